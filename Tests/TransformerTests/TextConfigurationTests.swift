import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import Transformer

/// What a text-conditional model's configuration and tensors must be.
@Suite struct TextConfigurationTests {
  private func expectInvalid(
    _ golden: String, field: String, found: String, sourceLocation: SourceLocation = #_sourceLocation,
    change: (inout DenoiserConfiguration) -> Void
  ) throws {
    var configuration: DenoiserConfiguration = try GoldenCase(golden).params.decoded()
    try configuration.validate()
    change(&configuration)
    let error = #expect(throws: TransformerError.self, sourceLocation: sourceLocation) { try configuration.validate() }
    guard case .invalidConfiguration(field, _, found) = error else {
      Issue.record("\(String(describing: error))", sourceLocation: sourceLocation)
      return
    }
  }

  @Test func textNeedsItsSizes() throws {
    let name = "denoiser-text"
    try expectInvalid(name, field: "text_length", found: "nothing") { $0.textLength = nil }
    try expectInvalid(name, field: "text_width", found: "nothing") { $0.textWidth = nil }
    for length in [-1, 0, 4097] { try expectInvalid(name, field: "text_length", found: "\(length)") { $0.textLength = length } }
    for width in [-1, 0, 1 << 21] { try expectInvalid(name, field: "text_width", found: "\(width)") { $0.textWidth = width } }
  }

  @Test func textHasNoClasses() throws {
    let name = "denoiser-text"
    try expectInvalid(name, field: "class_rows", found: "5") { $0.classRows = 5 }
    try expectInvalid(name, field: "class_norm", found: "adalayernorm") { $0.classNorm = .layerNorm }
    try expectInvalid(name, field: "unconditional_class", found: "4") { $0.unconditionalClass = 4 }
  }

  @Test(arguments: ["denoiser-class-fc", "denoiser-uncond"]) func otherKindsHaveNoText(name: String) throws {
    try expectInvalid(name, field: "text_length", found: "7") { $0.textLength = 7 }
    try expectInvalid(name, field: "text_width", found: "24") { $0.textWidth = 24 }
  }

  @Test func fieldsAreReadAndWrittenUnderTheirNames() throws {
    let configuration: DenoiserConfiguration = try GoldenCase("denoiser-text").params.decoded()
    #expect(configuration.kind == .text && configuration.textLength == 7 && configuration.textWidth == 24)
    let written = try JSONDecoder().decode([String: JSONValue].self, from: JSONEncoder().encode(configuration))
    #expect(written["kind"]?.stringValue == "text")
    #expect(written["text_length"]?.intValue == 7 && written["text_width"]?.intValue == 24)
  }

  /// The tensors of the recorded case without those in `removed` and with `added`, zeros.
  private func weights(removing removed: [String] = [], adding added: [(name: String, shape: [Int])] = []) throws -> Weights {
    let golden = try GoldenCase("denoiser-text")
    let all = try golden.weights()
    let kept = try all.names.filter { !removed.contains($0) }.map { name in
      StoredTensor(name, try all.tensor(name, try #require(all.shape(of: name))))
    }
    // A mapped file outlives its name.
    return try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("model.safetensors")
      try SafetensorsFile.write(kept + added.map { StoredTensor($0.name, FloatTensor(zeros: $0.shape)) }, to: file)
      return try Weights(files: [file])
    }
  }

  private func load(_ weights: Weights, kind golden: String = "denoiser-text") throws -> DenoisingTransformer {
    try DenoisingTransformer(GoldenCase(golden).params.decoded(), weights: weights)
  }

  private static let masks = ["blocks.0.attn2.mask", "blocks.1.attn2.mask"]

  @Test func theMaskMayBeThereOrNotAndMeansNothing() throws {
    let golden = try GoldenCase("denoiser-text")
    #expect(Set(Self.masks).isSubset(of: try golden.weights().names))
    func logits(_ denoiser: DenoisingTransformer) throws -> [UInt32] {
      try denoiser.logits(
        tokens: golden.integers("in.tokens").map { Int32($0) }, timesteps: golden.integers("in.t"),
        conditions: conditions(of: golden)
      ).values.map(\.bitPattern)
    }
    let expected = try logits(load(golden.weights()))
    #expect(try logits(load(weights(removing: Self.masks))) == expected)
    let zeros = Self.masks.map { (name: $0, shape: [1, 1, 16, 16]) }
    #expect(try logits(load(weights(removing: Self.masks, adding: zeros))) == expected)
  }

  @Test func otherSuperfluousTensorsAreErrors() throws {
    for name in ["blocks.2.attn2.mask", "blocks.0.attn1.mask", "blocks.0.attn2.masks", "blocks.0.ln2.emb.weight"] {
      #expect { try load(weights(adding: [(name, [1, 1, 16, 16])])) } throws: { error in
        if case .unexpectedTensors(_, [name]) = error as? CheckpointError { true } else { false }
      }
    }
  }

  @Test(arguments: ["ln1_1.linear.weight", "attn1.query.weight", "attn2.key.weight", "attn2.value.bias", "attn2.proj.bias"])
  func missingTensorsAreErrors(name: String) throws {
    #expect { try load(weights(removing: ["blocks.1." + name])) } throws: { error in
      if case .missingTensor(_, "blocks.1." + name, _) = error as? CheckpointError { true } else { false }
    }
  }

  @Test func keysAreAsWideAsTheText() throws {
    let name = "blocks.0.attn2.key.weight"
    #expect { try load(weights(removing: [name], adding: [(name, [16, 16])])) } throws: { error in
      if case .wrongShape(_, name, [16, 24], [16, 16]) = error as? CheckpointError { true } else { false }
    }
  }
}
