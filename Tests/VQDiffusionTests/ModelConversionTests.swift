import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import VQDiffusion

/// Models on their way into this project's folder.
@Suite struct ModelConversionTests {
  private static let denoiser = "denoiser-class-fc"

  /// Writes a model whose `model` and `ema` differ.
  private func write(to folder: URL, changing change: (StoredTensor) throws -> StoredTensor = { $0 }) throws -> ModelLocation {
    let tensors =
      try MicrosoftFiles.weights(Self.denoiser, prefix: "ema.transformer.").map(change)
      + MicrosoftFiles.weights(Self.denoiser, prefix: MicrosoftFiles.denoiserPrefix).map { tensor in
        tensor.name.hasSuffix("to_logits.1.bias")
          ? StoredTensor(tensor.name, FloatTensor([Float](repeating: 2, count: 20), shape: [20])) : tensor
      }
      + MicrosoftFiles.codec("vqvae-taming") + MicrosoftFiles.buffers(timesteps: 10)
      + MicrosoftFiles.buffers(timesteps: 10, prefix: "ema.")
      + [StoredTensor("optimizer_and_scheduler.step", [7], shape: [1])]
    let files = try MicrosoftFiles.write(tensors, describedBy: MicrosoftFiles.configuration(Self.denoiser), to: folder)
    return ModelLocation(files.checkpoint, configuration: files.configuration)
  }

  private func tensors(_ converted: URL, _ part: String) throws -> SafetensorsFile {
    try SafetensorsFile(converted.appendingPathComponent("\(part)/model.safetensors"))
  }

  private func golden() throws -> SafetensorsFile {
    try SafetensorsFile(fixtures.appendingPathComponent("\(Self.denoiser)/weights.safetensors"))
  }

  @Test func theListingSaysWhatBecomesOfEachTensor() throws {
    try withTemporaryFolder { folder in
      let location = try write(to: folder)
      let conversion = try ModelConversion(location)
      let taken = try #require(conversion.tensors.first { $0.name == "blocks.1.attn.key.weight" })
      #expect(taken.target == "transformer/model.safetensors" && taken.shape == [32, 32])
      #expect(taken.original == "ema.transformer.blocks.1.attn.key.weight" && taken.file == location.url?.path)
      let decoder = try #require(conversion.tensors.first { $0.name == "decoder.conv_out.weight" })
      #expect(
        decoder.original == "model.content_codec.dec.decoder.conv_out.weight" && decoder.target == "vqvae/model.safetensors")
      let reasons = Dictionary(conversion.ignored.map { ($0.name, $0.reason) }) { first, _ in first }
      #expect(reasons["model.transformer.transformer.to_logits.1.bias"] == "its average is used")
      #expect(reasons["model.content_codec.dec.quantize.embedding.weight"] == "the same as the encoder's")
      #expect(reasons["ema.log_at"] == "follows from the schedule or the training")
      #expect(reasons["optimizer_and_scheduler.step"] == "belongs to the training program")
      // Everything that the file holds is in one list or the other, once.
      let all = try SafetensorsFile(folder.appendingPathComponent("model.pth")).names
      #expect((conversion.tensors.map(\.original) + conversion.ignored.map(\.name)).sorted() == all.sorted())
    }
  }

  @Test(arguments: [true, false]) func averagesOrTheLastStep(averages: Bool) throws {
    try withTemporaryFolder { folder in
      var location = try write(to: folder)
      location.prefersAveragedWeights = averages
      let converted = folder.appendingPathComponent("converted")
      let conversion = try ModelConversion(location)
      try conversion.write(to: converted)
      let bias = try tensors(converted, "transformer").floatTensor("to_logits.1.bias").values
      #expect(bias == (averages ? try golden().floatTensor("to_logits.1.bias").values : Array(repeating: 2, count: 20)))
      let other = "\(averages ? "model.transformer." : "ema.")transformer.to_logits.1.bias"
      #expect(
        conversion.ignored.contains {
          $0.name == other && $0.reason == (averages ? "its average is used" : "the last step's is asked for")
        })
    }
  }

  @Test(
    arguments: [(.float32, ElementType.float32, 0), (.float16, .float16, 0x1p-11), (.bfloat16, .bfloat16, 0x1p-8)]
      as [(ModelConversion.FloatType, ElementType, Double)])
  func floatsAreStoredAsAsked(floats: ModelConversion.FloatType, type: ElementType, error: Double) throws {
    try withTemporaryFolder { folder in
      let converted = folder.appendingPathComponent("converted")
      try ModelConversion(write(to: folder), floats: floats).write(to: converted)
      let (file, expected) = (try tensors(converted, "transformer"), try golden())
      #expect(Set(file.names) == Set(expected.names))
      for part in ["transformer", "vqvae"] {
        let stored = try tensors(converted, part)
        #expect(stored.names.allSatisfy { stored.elementType(of: $0) == type })
      }
      for name in expected.names {
        expectClose(try file.floatTensor(name), try expected.floatTensor(name), absolute: 1e-7, relative: error, name)
      }
      let report = try ModelReport(ModelLocation(converted))
      #expect(report.network?.contents.elementTypes == [type.rawValue] && report.name == "model")
      _ = try VQDiffusionPipeline(contentsOf: converted)
      // Once more, from one folder to the next.
      let next = folder.appendingPathComponent("next")
      try ModelConversion(ModelLocation(converted)).write(to: next)
      for part in ["transformer/model.safetensors", "vqvae/model.safetensors", "vqvae/config.json", "model_index.json"] {
        #expect(
          try Data(contentsOf: next.appendingPathComponent(part)) == Data(contentsOf: converted.appendingPathComponent(part)))
      }
    }
  }

  @Test func aValueThatIsTooLargeLeavesNothing() throws {
    try withTemporaryFolder { folder in
      let location = try write(to: folder) { tensor in
        guard tensor.name.hasSuffix("to_logits.1.bias") else { return tensor }
        return StoredTensor(tensor.name, FloatTensor([Float](repeating: 0, count: 19) + [-70_000], shape: [20]))
      }
      let before = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      let converted = folder.appendingPathComponent("new/converted")
      // It is named as it stands in the file that holds it.
      let error = CheckpointError.unrepresentable(
        file: folder.appendingPathComponent("model.pth").path, tensor: "ema.transformer.to_logits.1.bias", value: -70_000,
        type: .float16)
      #expect(throws: error) { try ModelConversion(location, floats: .float16).write(to: converted) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == before)
      try ModelConversion(location, floats: .bfloat16).write(to: converted)
      #expect(try tensors(converted, "transformer").floatTensor("to_logits.1.bias").values[19] == -70_144)
    }
  }

  @Test func whatIsThereIsNotOverwritten() throws {
    try withTemporaryFolder { folder in
      let conversion = try ModelConversion(write(to: folder))
      let file = folder.appendingPathComponent("config.yaml")
      let empty = folder.appendingPathComponent("empty")
      try FileManager.default.createDirectory(at: empty, withIntermediateDirectories: true)
      for target in [file, empty] {
        #expect(throws: ModelFileError.unwritable(path: target.path, reason: "there is something of that name already")) {
          try conversion.write(to: target)
        }
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: empty.path) == [])
      #expect(throws: ModelFileError.self) { try conversion.write(to: file.appendingPathComponent("below-a-file")) }
    }
  }

  @Test func cancellingLeavesNothing() throws {
    try withTemporaryFolder { folder in
      let conversion = try ModelConversion(write(to: folder))
      let before = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      var calls = 0
      #expect(throws: CancellationError.self) {
        try conversion.write(to: folder.appendingPathComponent("converted")) {
          calls += 1
          if calls == 2 { throw CancellationError() }
        }
      }
      #expect(calls == 2)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == before)
    }
  }

  /// Labels that a folder states go along, with their synonyms.
  @Test func labelsGoAlong() throws {
    try withTemporaryFolder { folder in
      let original = folder.appendingPathComponent("original")
      try ModelFolders.writeModel(Self.denoiser, to: original, index: ["defaults": ["steps": 7, "truncation": "0.9"]])
      try ModelFolders.write(
        ["cat", ["name": "dog", "id": "n1", "synonyms": ["hound"]]] as [Any], to: original.appendingPathComponent("labels.json"))
      let converted = folder.appendingPathComponent("converted")
      try ModelConversion(ModelLocation(original)).write(to: converted)
      let pipeline = try VQDiffusionPipeline(contentsOf: converted)
      #expect(pipeline.labels.names == ["cat", "dog"] && pipeline.name == "small")
      #expect(try pipeline.label("hound") == 1 && pipeline.label("n1") == 1)
      #expect(pipeline.defaultSettings.steps == 7 && pipeline.defaultSettings.truncation == .nucleus(0.9))
    }
  }

  @Test func tensorsAreListedAndConvertedByThemselves() throws {
    try withTemporaryFolder { folder in
      let listing = try TensorListing(contentsOf: fixtures.appendingPathComponent("checkpoints/tensors.pt"))
      let lines = listing.description.split(separator: "\n")
      #expect(lines.count == listing.names.count + 1 && lines.last?.hasPrefix("\(listing.names.count) tensors, ") == true)
      let target = folder.appendingPathComponent("tensors.safetensors")
      try listing.write(to: target)
      let expected = try SafetensorsFile(fixtures.appendingPathComponent("checkpoints/expected_tensors.safetensors"))
      let found = try SafetensorsFile(target)
      // The other's widened copy is of no file.
      let names = expected.names.filter { $0 != "bfloat16.as_float32" }
      #expect(found.names.sorted() == names.sorted())
      for name in names {
        #expect(
          found.shape(of: name) == expected.shape(of: name) && found.elementType(of: name) == expected.elementType(of: name))
      }
      #expect(throws: CheckpointError.self) {
        try TensorListing(contentsOf: fixtures.appendingPathComponent("checkpoints/bad_os_system.pth"))
      }
    }
  }

  @Test func theReportOfACheckpointNamesWhatIsThere() throws {
    try withTemporaryFolder { folder in
      let location = try write(to: folder)
      let report = try ModelReport(location)
      #expect(report.name == "model" && report.location == location.url?.path && report.timesteps == 10)
      #expect(report.network?.contents.tensors == 43 && report.textEncoder == nil)
      let text = "\(report)"
      #expect(
        text.contains("transformer: class-conditional, 11 class rows, 2 layers of width 32, 4 heads, 4×4 tokens of 20 codes"),
        "\(text)")
      #expect(text.contains("vqvae: 20 codes of dimension 8, 2×2 pixels per token"), "\(text)")
      #expect(text.contains("scheduler: mask and replace, 10 timesteps") && !text.contains("missing"), "\(text)")
    }
  }
}
