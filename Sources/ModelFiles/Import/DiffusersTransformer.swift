import Transformer

/// `transformer/config.json` of a diffusers folder: a `Transformer2DModel` over discrete tokens.
struct DiffusersTransformer: Decodable {
  var heads: Int
  var headWidth: Int
  var layers: Int
  var textWidth: Int
  /// K + 1
  var vectors: Int
  /// T
  var timesteps: Int
  /// Rows and columns of the grid.
  var sampleSize: Int
  var activation: String?
  var attentionBias: Bool?
  /// `layer_norm` or nothing means the norm that follows the timestep, where the number of timesteps is given.
  var normType: String?

  enum CodingKeys: String, CodingKey {
    case heads = "num_attention_heads"
    case headWidth = "attention_head_dim"
    case layers = "num_layers"
    case textWidth = "cross_attention_dim"
    case vectors = "num_vector_embeds"
    case timesteps = "num_embeds_ada_norm"
    case sampleSize = "sample_size"
    case activation = "activation_fn"
    case attentionBias = "attention_bias"
    case normType = "norm_type"
  }

  /// The same in this project's terms.
  ///
  /// - Throws: `ModelFileError.invalidConfiguration` for what VQ-Diffusion's network isn't.
  func configuration(textLength: Int, file: String) throws(ModelFileError) -> VQDiffusionConfiguration {
    func require(_ isTrue: Bool, _ field: CodingKeys, _ expected: String, _ found: Any?) throws(ModelFileError) {
      if !isTrue {
        throw .invalidConfiguration(
          file: file, field: field.stringValue, expected: expected, found: found.map { "\($0)" } ?? "nothing")
      }
    }
    try require(activation == "geglu-approximate", .activation, "geglu-approximate", activation)
    try require(attentionBias == true, .attentionBias, "true", attentionBias)
    let norm = normType ?? "ada_norm"
    try require(["layer_norm", "ada_norm"].contains(norm), .normType, "layer_norm or ada_norm", norm)
    try require((1...1 << 20).contains(heads), .heads, "1 or more", heads)
    try require((1...1 << 20).contains(headWidth), .headWidth, "1 or more", headWidth)
    try require((2...1 << 20).contains(vectors), .vectors, "2 or more", vectors)
    return VQDiffusionConfiguration(
      kind: .text, textLength: textLength, textWidth: textWidth, timestepNorm: .layerNorm, layers: layers,
      width: heads * headWidth, heads: heads, mlp: .fullyConnected, mlpHiddenMultiplier: 4, activation: .quickGELU,
      grid: [sampleSize, sampleSize], positionTable: [sampleSize, sampleSize], positionKind: .embedding,
      codebookSize: vectors - 1, timesteps: timesteps)
  }

  /// This project's name of a tensor; nil for one that no part of the network bears.
  static func name(of original: String) -> String? {
    var parts = original.split(separator: ".").map(String.init)
    guard let first = parts.first else { return nil }
    switch first {
    case "latent_image_embedding": parts[0] = "content_emb"
    case "norm_out": parts[0] = "to_logits.0"
    case "out": parts[0] = "to_logits.1"
    case "transformer_blocks":
      guard parts.count > 3, let room = rooms[parts[2]] else { return nil }
      parts.replaceSubrange(0...2, with: ["blocks", parts[1], room])
      let rest = parts[3...].joined(separator: ".")
      for (theirs, ours) in layers where rest.hasPrefix(theirs + ".") {
        return parts[..<3].joined(separator: ".") + "." + ours + rest.dropFirst(theirs.count)
      }
    default: return nil
    }
    return parts.joined(separator: ".")
  }

  private static let rooms = [
    "norm1": "ln1", "norm2": "ln1_1", "norm3": "ln2", "attn1": "attn1", "attn2": "attn2", "ff": "mlp",
  ]

  private static let layers = [
    ("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj"), ("net.0.proj", "0"), ("net.2", "2"),
  ]
}
