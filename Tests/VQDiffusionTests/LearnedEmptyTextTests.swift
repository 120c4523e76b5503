import Checkpoint
import Foundation
import TestSupport
import Testing
import VQDiffusion

/// What a Microsoft configuration says of its text encoder, and of the vectors for "no text", which every text model holds and not
/// every one learned.
@Suite struct LearnedEmptyTextTests {
  private static let emptyText = "model.transformer.empty_text_embed"

  private func write(_ changes: [String: Any] = [:], to folder: URL) throws -> ModelLocation {
    let tensors =
      try TextModelFiles.denoiser() + MicrosoftFiles.codec("vqvae-taming") + TextModelFiles.encoder()
      + [TextModelFiles.emptyText(Self.emptyText)]
    let files = try MicrosoftFiles.write(
      tensors,
      describedBy: MicrosoftFiles.configuration("denoiser-text", changes: TextModelFiles.changes.merging(changes) { $1 }),
      to: folder)
    return ModelLocation(files.checkpoint, configuration: files.configuration)
  }

  /// Whether guidance leads away from the learned vectors, which conversion then takes along; otherwise it says why not.
  private func usesLearned(_ location: ModelLocation, otherwise reason: String) throws -> Bool {
    let texts = try #require(try VQDiffusionPipeline(location).texts)
    let isUsed = try texts.unconditional(negative: nil) != texts.vectors(of: "")
    let conversion = try ModelConversion(location)
    #expect(conversion.tensors.contains { $0.original == Self.emptyText } == isUsed)
    #expect(conversion.ignored.filter { $0.name == Self.emptyText }.map(\.reason) == (isUsed ? [] : [reason]))
    return isUsed
  }

  /// The model's own field goes before that of its training.
  @Test func theConfigurationDecides() throws {
    let (model, training) = ("learnable_cf", "diffusion_config.params.learnable_cf")
    for (changes, expected) in [
      ([:], true), ([model: true], true), ([model: false], false), ([model: "False"], false), ([training: false], false),
      ([model: true, training: false], true), ([model: false, training: true], false),
    ] as [([String: Any], Bool)] {
      try withTemporaryFolder { folder in
        let found = try usesLearned(
          write(changes, to: folder), otherwise: "learnable_cf is False: these vectors weren't learned")
        #expect(found == expected, "\(changes)")
      }
    }
  }

  @Test func theCallerMayPreferTheEmptyText() throws {
    try withTemporaryFolder { folder in
      var location = try write(to: folder)
      location.usesLearnedEmptyText = false
      #expect(try !usesLearned(location, otherwise: "the vectors of the empty text are asked for"))
      #expect(throws: ModelFileError.self) { try VQDiffusionPipeline(ModelLocation(folder, usesLearnedEmptyText: false)) }
    }
  }

  private static func embedding(_ field: String) -> String { "diffusion_config.params.condition_emb_config.params.\(field)" }

  /// Published: a vector of length 1 for each token.
  @Test func lengthsAreAsStated() throws {
    try withTemporaryFolder { folder in
      let published: [String: Any] = [
        Self.embedding("normalize"): true, Self.embedding("pick_last_embedding"): false,
        Self.embedding("additional_last_embedding"): false, Self.embedding("embed_dim"): 512,
      ]
      func vectors(_ location: ModelLocation) throws -> [Float] {
        try #require(try VQDiffusionPipeline(location).texts).vectors(of: "a red bird").values.values
      }
      func lengths(_ values: [Float]) -> [Float] {
        stride(from: 0, to: values.count, by: TextModelFiles.width).map { start in
          values[start..<start + TextModelFiles.width].reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
      }
      let unit = try vectors(write(published, to: folder))
      #expect(try vectors(write(to: folder)) == unit)
      expectClose(lengths(unit).map(Double.init), Array(repeating: 1, count: TextModelFiles.textLength), absolute: 1e-5)
      let location = try write([Self.embedding("normalize"): false], to: folder)
      let found = try vectors(location)
      #expect(lengths(found).allSatisfy { abs($0 - 1) > 0.01 })
      let scaled = zip(lengths(found).flatMap { Array(repeating: $0, count: TextModelFiles.width) }, unit).map(*)
      expectClose(found.map(Double.init), scaled.map(Double.init), absolute: 1e-4)
      let converted = folder.appendingPathComponent("converted")
      try ModelConversion(location).write(to: converted)
      #expect(try vectors(ModelLocation(converted)) == found)
    }
  }

  @Test(arguments: [
    ("pick_last_embedding", "True", "False"), ("additional_last_embedding", "True", "False"),
    ("embed_dim", "1024", "another width than 1024, which stands for every vector twice over"),
    ("normalize", "maybe", "True or False"),
  ]) func otherEmbeddingsAreRefused(field: String, value: String, expected: String) throws {
    try withTemporaryFolder { folder in
      let location = try write([Self.embedding(field): value], to: folder)
      let error = ModelFileError.invalidConfiguration(
        file: folder.path + "/config.yaml", field: "model.params." + Self.embedding(field), expected: expected,
        found: "'\(value)'")
      #expect(throws: error) { try VQDiffusionPipeline(location) }
    }
  }
}
