import CLIPText
import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct ConfigurationTests {
  @Test func recordedConfigurationIsRead() throws {
    let recorded = try RecordedEncoder()
    let (configuration, params) = (recorded.configuration, recorded.golden.params["text"])
    let hidden = try recorded.tensors()["text_model.encoder.layers.0.mlp.fc1.weight"]?.shape.first
    let expected = CLIPTextConfiguration(
      width: try params.int("hidden"), hiddenWidth: try #require(hidden), heads: try params.int("heads"),
      layers: try params.int("layers"), contextLength: try params.int("length"), vocabularySize: try params.int("vocabulary"))
    #expect(configuration == expected)
    #expect(try JSONDecoder().decode(CLIPTextConfiguration.self, from: JSONEncoder().encode(configuration)) == configuration)
  }

  @Test func absentFieldsAreThoseOfViTB32() throws {
    let configuration = try JSONDecoder().decode(CLIPTextConfiguration.self, from: Data("{}".utf8))
    #expect(configuration == CLIPTextConfiguration())
    #expect(configuration.width == 512 && configuration.hiddenWidth == 2048)
    #expect(configuration.heads == 8 && configuration.layers == 12)
    let gelu = try JSONDecoder().decode(CLIPTextConfiguration.self, from: Data(#"{"hidden_act": "gelu"}"#.utf8))
    #expect(gelu.activation == .gelu)
    #expect(
      throws: CLIPTextError.invalidConfiguration(field: "hidden_act", expected: "quick_gelu or gelu", found: "relu")
    ) {
      try JSONDecoder().decode(CLIPTextConfiguration.self, from: Data(#"{"hidden_act": "relu"}"#.utf8))
    }
  }

  static let bad: [(field: String, change: @Sendable (inout CLIPTextConfiguration) -> Void)] = [
    ("num_attention_heads", { $0.heads = 0 }), ("num_attention_heads", { $0.heads = .max }),
    ("hidden_size", { $0.width = 0 }), ("hidden_size", { $0.width = 513 }), ("hidden_size", { $0.width = -512 }),
    ("hidden_size", { $0.width = 1 << 21 }), ("intermediate_size", { $0.hiddenWidth = 0 }),
    ("intermediate_size", { $0.hiddenWidth = .max }), ("num_hidden_layers", { $0.layers = 0 }),
    ("num_hidden_layers", { $0.layers = .max }), ("max_position_embeddings", { $0.contextLength = 1 }),
    ("max_position_embeddings", { $0.contextLength = 1 << 14 }), ("vocab_size", { $0.vocabularySize = 0 }),
    ("vocab_size", { $0.vocabularySize = .max }), ("layer_norm_eps", { $0.layerNormEpsilon = 0 }),
    ("layer_norm_eps", { $0.layerNormEpsilon = .nan }), ("layer_norm_eps", { $0.layerNormEpsilon = 2 }),
  ]

  @Test(arguments: bad.indices) func impossibleNumbersAreNamed(index: Int) throws {
    var configuration = CLIPTextConfiguration()
    try configuration.validate()
    Self.bad[index].change(&configuration)
    let error = try #require(throws: CLIPTextError.self) { try configuration.validate() }
    guard case .invalidConfiguration(let field, _, _) = error else {
      Issue.record("found \(error)")
      return
    }
    #expect(field == Self.bad[index].field)
    #expect(throws: error) { try CLIPTextEncoder(configuration, weights: WeightLoader(randomSeed: 1)) }
  }

  /// Tensors of which only the shapes are looked at.
  private func shapes(_ shapes: [String: [Int]]) -> WeightLoader {
    WeightLoader(MemorySource(tensors: shapes.mapValues { FloatTensor(zeros: $0) }))
  }

  @Test func openAIShapesTellTheConfiguration() throws {
    var known = [
      "token_embedding.weight": [31, 192], "positional_embedding": [7, 192],
      "transformer.resblocks.0.mlp.c_fc.weight": [33, 192], "transformer.resblocks.1.mlp.c_fc.weight": [33, 192],
      "transformer.resblocks.10.ln_1.bias": [192], "text_projection": [192, 5],
    ]
    #expect(
      try CLIPTextConfiguration(openAI: shapes(known))
        == CLIPTextConfiguration(width: 192, hiddenWidth: 33, heads: 3, layers: 3, contextLength: 7, vocabularySize: 31))
    for (width, expected) in [(16, "num_attention_heads"), (193, "hidden_size")] {
      known["token_embedding.weight"] = [31, width]
      let error = #expect(throws: CLIPTextError.self) { try CLIPTextConfiguration(openAI: shapes(known)) }
      guard case .invalidConfiguration(expected, _, _) = error else {
        Issue.record("found \(String(describing: error))")
        continue
      }
    }
    known["token_embedding.weight"] = [31]
    #expect(
      throws: CLIPTextError.invalidConfiguration(field: "token_embedding.weight", expected: "[rows, columns]", found: "[31]")
    ) {
      try CLIPTextConfiguration(openAI: shapes(known))
    }
    known["token_embedding.weight"] = nil
    #expect(throws: CheckpointError.missingTensor(file: "memory", tensor: "token_embedding.weight", shape: nil)) {
      try CLIPTextConfiguration(openAI: shapes(known))
    }
  }
}
