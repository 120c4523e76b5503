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
    change: (inout VQDiffusionConfiguration) -> Void
  ) throws {
    var configuration: VQDiffusionConfiguration = try GoldenCase(golden).params.decoded()
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
    let params = try GoldenCase("denoiser-text").params
    let configuration: VQDiffusionConfiguration = try params.decoded()
    #expect(try configuration.kind == .text && configuration.textLength == params.int("text_length"))
    #expect(try configuration.textWidth == params.int("text_width"))
    let written = try JSONDecoder().decode([String: JSONValue].self, from: JSONEncoder().encode(configuration))
    for field in ["kind", "text_length", "text_width"] { #expect(written[field] == params[field], "\(field)") }
  }

  /// The tensors of the recorded case without those in `removed` and with `added`, zeros.
  private func weights(
    removing removed: [String] = [], adding added: [(name: String, shape: [Int])] = []
  ) throws -> WeightLoader {
    let golden = try GoldenCase("denoiser-text")
    let all = try golden.weights()
    let kept = try all.names.filter { !removed.contains($0) }.map { name in
      StoredTensor(name, try all.tensor(name, try #require(all.shape(of: name))))
    }
    // A mapped file outlives its name.
    return try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("model.safetensors")
      try SafetensorsFile.write(kept + added.map { StoredTensor($0.name, FloatTensor(zeros: $0.shape)) }, to: file)
      return try WeightLoader(files: [file])
    }
  }

  private func load(_ weights: WeightLoader, kind golden: String = "denoiser-text") throws -> VQDiffusionTransformer {
    try VQDiffusionTransformer(GoldenCase(golden).params.decoded(), weights: weights)
  }

  private func recorded() throws -> VQDiffusionConfiguration { try GoldenCase("denoiser-text").params.decoded() }

  /// One of each block, and the shape of all.
  private func masks() throws -> (names: [String], shape: [Int]) {
    let configuration = try recorded()
    let length = configuration.sequenceLength
    return ((0..<configuration.layers).map { "blocks.\($0).attn2.mask" }, [1, 1, length, length])
  }

  @Test func theMaskMayBeThereOrNotAndMeansNothing() throws {
    let (golden, masks) = (try GoldenCase("denoiser-text"), try masks())
    #expect(Set(masks.names).isSubset(of: try golden.weights().names))
    func logits(_ denoiser: VQDiffusionTransformer) throws -> [UInt32] {
      try denoiser.logits(
        NetworkInput(tokens: golden.tokens("in.tokens"), timesteps: golden.integers("in.t"), conditions: conditions(of: golden))
      ).values.map(\.bitPattern)
    }
    let expected = try logits(load(golden.weights()))
    #expect(try logits(load(weights(removing: masks.names))) == expected)
    let zeros = masks.names.map { (name: $0, shape: masks.shape) }
    #expect(try logits(load(weights(removing: masks.names, adding: zeros))) == expected)
  }

  @Test func otherSuperfluousTensorsAreErrors() throws {
    let (layers, shape) = (try recorded().layers, try masks().shape)
    for name in [
      "blocks.\(layers).attn2.mask", "blocks.0.attn1.mask", "blocks.0.attn2.masks", "blocks.0.ln2.emb.weight",
    ] {
      #expect { try load(weights(adding: [(name, shape)])) } throws: { error in
        if case .unexpectedTensors(_, [name]) = error as? CheckpointError { true } else { false }
      }
    }
  }

  @Test(arguments: ["ln1_1.linear.weight", "attn1.query.weight", "attn2.key.weight", "attn2.value.bias", "attn2.proj.bias"])
  func missingTensorsAreErrors(name: String) throws {
    let missing = "blocks.\(try recorded().layers - 1).\(name)"
    #expect { try load(weights(removing: [missing])) } throws: { error in
      if case .missingTensor(_, missing, _) = error as? CheckpointError { true } else { false }
    }
  }

  @Test func keysAreAsWideAsTheText() throws {
    let (name, configuration) = ("blocks.0.attn2.key.weight", try recorded())
    let expected = [configuration.width, try #require(configuration.textWidth)]
    let found = [expected[0], expected[1] + 1]
    #expect { try load(weights(removing: [name], adding: [(name, found)])) } throws: { error in
      if case .wrongShape(_, name, expected, found) = error as? CheckpointError { true } else { false }
    }
  }
}
