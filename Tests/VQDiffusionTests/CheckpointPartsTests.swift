import Checkpoint
import Foundation
import TestSupport
import Testing
import VQDiffusion
import VQVAE

/// Autoencoders and tables of codes that lie beside a checkpoint.
@Suite struct CheckpointPartsTests {
  private static let denoiser = "denoiser-class-fc"

  /// Writes a checkpoint, without a codec unless one is named.
  private func write(codec: String? = nil, changes: [String: Any] = [:], to folder: URL) throws -> ModelLocation {
    let tensors =
      try MicrosoftFiles.weights(Self.denoiser, prefix: MicrosoftFiles.denoiserPrefix)
      + (codec.map { try MicrosoftFiles.codec($0) } ?? [])
    let files = try MicrosoftFiles.write(
      tensors, describedBy: MicrosoftFiles.configuration(Self.denoiser, changes: changes), to: folder)
    return ModelLocation(files.checkpoint, configuration: files.configuration)
  }

  private static let grid = ImageTokens((0..<16).map { Int32($0) }, layout: .grid(rows: 4, columns: 4))

  private static func reference() throws -> [RGBImage] {
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel(denoiser, to: folder)
      return try ImageCodec(contentsOf: folder).decode(grid)
    }
  }

  @Test(arguments: ["", "state_dict.", "model.", "state_dict.first_stage_model."])
  func theAutoencoderMayLieApart(prefix: String) throws {
    try withTemporaryFolder { folder in
      var location = try write(changes: [MicrosoftFiles.codecField("ckpt_path"): "OUTPUT/pretrained/taming.ckpt"], to: folder)
      let loss = [StoredTensor(prefix + "loss.discriminator.weight", [1], shape: [1])]
      let file = folder.appendingPathComponent("taming.ckpt")
      let missing = ModelFileError.missingAutoencoder(
        file: folder.path + "/model.pth", searched: ["OUTPUT/pretrained/taming.ckpt"])
      #expect(throws: missing) { try ImageCodec(location) }
      #expect(try VQDiffusionPipeline.network(location).facts.classRows == 11)
      #expect(try ModelReport(location).tokenizer == nil)
      // Found by its last name, then by its whole path, then where the caller says.
      try SafetensorsFile.write(MicrosoftFiles.autoencoder("vqvae-taming", prefix: prefix) + loss, to: file)
      #expect(try ImageCodec(location).decode(Self.grid) == Self.reference())
      #expect(
        try ModelConversion(location).ignored.contains { $0.file == file.path && $0.name == prefix + "loss.discriminator.weight" }
      )
      let deep = folder.appendingPathComponent("OUTPUT/pretrained/taming.ckpt")
      try FileManager.default.createDirectory(at: deep.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.moveItem(at: file, to: deep)
      #expect(try ImageCodec(location).decode(Self.grid) == Self.reference())
      let elsewhere = folder.appendingPathComponent("elsewhere.ckpt")
      try FileManager.default.moveItem(at: deep, to: elsewhere)
      location.autoencoder = elsewhere
      #expect(try ImageCodec(location).decode(Self.grid) == Self.reference())
    }
  }

  /// Files that hold more than the autoencoder: a transformer over it, as the FFHQ model's is published, or a whole model.
  @Test func theAutoencoderMayBeAPartOfAFile() throws {
    try withTemporaryFolder { folder in
      var location = try write(to: folder)
      let file = folder.appendingPathComponent("other.ckpt")
      location.autoencoder = file
      let one = { (name: String) in StoredTensor(name, [1], shape: [1]) }
      for (tensors, others) in [
        (
          try MicrosoftFiles.autoencoder("vqvae-taming", prefix: "state_dict.first_stage_model."),
          ["global_step", "state_dict.cond_stage_model.embedding", "state_dict.transformer.tok_emb.weight"]
        ),
        (
          try MicrosoftFiles.codec("vqvae-taming"),
          ["ema.transformer.to_logits.1.bias", "model.transformer.transformer.to_logits.1.bias", "optimizer.step"]
        ),
        (try MicrosoftFiles.codec("vqvae-taming", prefix: "content_codec."), ["transformer.transformer.to_logits.1.bias"]),
      ] {
        try SafetensorsFile.write(tensors + others.map(one), to: file)
        #expect(try ImageCodec(location).decode(Self.grid) == Self.reference())
        let ignored = try ModelConversion(location).ignored.filter { $0.reason == "no part of the autoencoder" }
        #expect(ignored.map(\.name).sorted() == others && ignored.allSatisfy { $0.file == file.path })
      }
    }
  }

  /// The quantiser stands in a checkpoint twice, and is one.
  @Test func quantisersThatDifferAreRefused() throws {
    try withTemporaryFolder { folder in
      func codes(_ half: String) -> String { "model.content_codec.\(half).quantize.embedding.weight" }
      let (encoders, decoders) = (codes("enc"), codes("dec"))
      let codec = try MicrosoftFiles.codec("vqvae-taming")
      let denoiser = try MicrosoftFiles.weights(Self.denoiser, prefix: MicrosoftFiles.denoiserPrefix)
      func location(_ codec: [StoredTensor]) throws -> ModelLocation {
        let files = try MicrosoftFiles.write(
          denoiser + codec, describedBy: MicrosoftFiles.configuration(Self.denoiser), to: folder)
        return ModelLocation(files.checkpoint, configuration: files.configuration)
      }
      let path = folder.path + "/model.pth"
      for (seed, type) in [(1, .float32), (nil, .float16)] as [(UInt64?, StoredTensor.FloatType)] {
        let other = try location(
          codec.map { tensor in
            guard tensor.name == decoders else { return tensor }
            return StoredTensor(decoders, try WeightLoader(randomSeed: seed ?? 2).tensor("codes", tensor.shape), as: type)
          })
        let error = ModelFileError.invalidInput(
          file: path, expected: "\(decoders) to be the same as \(encoders)", found: "another")
        #expect(throws: error) { try ImageCodec(other) }
      }
      let without = try location(codec.filter { $0.name != encoders })
      #expect(throws: CheckpointError.missingTensor(file: path, tensor: encoders, shape: [20, 8])) { try ImageCodec(without) }
      #expect(try ImageCodec(location(codec)).decode(Self.grid) == Self.reference())
    }
  }

  @Test func aFileThatIsNoAutoencoderIsRefusedByName() throws {
    try withTemporaryFolder { folder in
      var location = try write(to: folder)
      location.autoencoder = folder.appendingPathComponent("other.ckpt")
      for load in [{ _ = try ImageCodec($0) }, { _ = try ModelReport($0) }] as [(ModelLocation) throws -> Void] {
        let absent = #expect(throws: CheckpointError.self) { try load(location) }
        #expect(absent?.file == location.autoencoder?.path)
      }
      let other = try #require(location.autoencoder)
      try SafetensorsFile.write([StoredTensor("state_dict.weight", [1], shape: [1])], to: other)
      let error = #expect(throws: VQVAEError.self) { try ImageCodec(location) }
      #expect(error.map { "\($0)" }?.hasPrefix(other.path) == true)
    }
  }

  /// An autoencoder that is asked for goes before the one in the checkpoint, whose tensors are then left out.
  @Test func anAutoencoderThatIsAskedForIsUsed() throws {
    try withTemporaryFolder { folder in
      var location = try write(codec: "vqvae-gumbel", to: folder)
      #expect(throws: ModelFileError.self) { try ImageCodec(location) }
      let file = folder.appendingPathComponent("taming.ckpt")
      try SafetensorsFile.write(MicrosoftFiles.autoencoder("vqvae-taming", prefix: ""), to: file)
      location.autoencoder = file
      #expect(try ImageCodec(location).decode(Self.grid) == Self.reference())
      let ignored = try ModelConversion(location).ignored.map(\.name)
      #expect(ignored.contains("model.content_codec.enc.quantize.proj.weight"))
    }
  }

  /// Codecs of 25 and 23 codes, of which the denoiser knows 20.
  @Test(arguments: [("vqvae-gumbel", 25, QuantizerKind.gumbel), ("vqvae-patch", 23, .ema)])
  func reducedCodebooksNeedTheirTable(codec: String, codes: Int, kind: QuantizerKind) async throws {
    try await withTemporaryFolder { folder in
      let path = "./help_folder/statistics/table.pt"
      let changes: [String: Any] = [
        MicrosoftFiles.codecField("quantize_number"): 20, MicrosoftFiles.codecField("mapping_path"): path,
      ]
      var location = try write(codec: codec, changes: changes, to: folder)
      let missing = ModelFileError.missingCodebookMap(file: folder.path + "/model.pth", path: path)
      #expect(throws: missing) { try VQDiffusionPipeline(location) }
      let table = StoredTensor("table", (0..<codes).map { $0 < 20 ? 19 - $0 : 3 }, shape: [codes])
      let beside = folder.appendingPathComponent("table.pt")
      try SafetensorsFile.write([table], to: beside)
      let pipeline = try VQDiffusionPipeline(location)
      let tokenizer = try #require(pipeline.codec.tokenizer as? TamingVQGAN)
      #expect(tokenizer.configuration.quantizer == kind && tokenizer.codes == 20)
      #expect(tokenizer.configuration.codes == codes)
      let named = folder.appendingPathComponent("named.safetensors")
      try FileManager.default.moveItem(at: beside, to: named)
      location.codebookMap = named
      #expect(try ImageCodec(location).decode(Self.grid) == pipeline.decode(Self.grid))
      let converted = folder.appendingPathComponent("converted")
      try ModelConversion(location).write(to: converted)
      let settings = GenerationSettings(method: .purity(weight: 1), steps: 6, seed: 9)
      let found = try await VQDiffusionPipeline(contentsOf: converted).generate(labels: [2], count: 2, settings: settings)
      let expected = try await pipeline.generate(labels: [2], count: 2, settings: settings)
      #expect(found.map(\.image) == expected.map(\.image) && found[0].image != found[1].image)
      #expect(
        try VQDiffusionPipeline(contentsOf: converted).encode(expected.map(\.image)) == pipeline.encode(expected.map(\.image)))
    }
  }

  @Test func badTablesAreRefused() throws {
    try withTemporaryFolder { folder in
      let changes: [String: Any] = [
        MicrosoftFiles.codecField("quantize_number"): 20, MicrosoftFiles.codecField("mapping_path"): "table.pt",
      ]
      var location = try write(codec: "vqvae-gumbel", changes: changes, to: folder)
      let file = folder.appendingPathComponent("table.safetensors")
      location.codebookMap = file
      let good = StoredTensor("table", Array(repeating: 0, count: 25), shape: [25])
      for (tensors, message) in [
        (
          [good, StoredTensor("other", [1], shape: [1])],
          "expected one tensor, a code for each of the autoencoder's 25, found 2 tensors"
        ),
        ([StoredTensor("table", [0, 1], shape: [2])], "expected tensor \"table\" of shape [25], found shape [2]"),
        (
          [StoredTensor("table", Array(repeating: 20, count: 25), shape: [25])],
          "expected table in 0…19, found 20 at position 0"
        ),
      ] {
        try SafetensorsFile.write(tensors, to: file)
        #expect(performing: { try ImageCodec(location) }, throws: { "\($0)" == "\(file.path): \(message)" })
      }
      // As published, a tensor without a name, but of another codebook.
      location.codebookMap = fixtures.appendingPathComponent("checkpoints/bare_tensor.pt")
      #expect(performing: { try ImageCodec(location) }, throws: { "\($0)".hasSuffix("of shape [25], found shape [5]") })
      location.configuration = folder.appendingPathComponent("config.yaml")
      location.codebookMap = nil
      // What Python calls None is no file.
      for path in ["None", nil] {
        try MicrosoftFiles.configuration(
          Self.denoiser,
          changes: [
            MicrosoftFiles.codecField("quantize_number"): 20,
            MicrosoftFiles.codecField("mapping_path"): path.map { $0 as Any } ?? NSNull(),
          ]
        ).write(to: folder.appendingPathComponent("config.yaml"))
        #expect(throws: ModelFileError.missingCodebookMap(file: folder.path + "/model.pth", path: nil)) {
          try ImageCodec(location)
        }
      }
    }
  }

  /// A table that the caller names counts, whatever the configuration says.
  @Test func aTableThatIsAskedForIsUsed() throws {
    try withTemporaryFolder { folder in
      var location = try write(codec: "vqvae-taming", to: folder)
      let file = folder.appendingPathComponent("table.safetensors")
      try SafetensorsFile.write([StoredTensor("table", (0..<20).map { 19 - $0 }, shape: [20])], to: file)
      location.codebookMap = file
      let mirrored = ImageTokens(Self.grid.tokens.map { 19 - $0 }, layout: .grid(rows: 4, columns: 4))
      #expect(try ImageCodec(location).decode(mirrored) == Self.reference())
    }
  }
}
