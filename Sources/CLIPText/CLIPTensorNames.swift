import Checkpoint
import Tensor

/// Whose names a checkpoint's tensors have.
package enum CLIPTensorNames: String, Codable, Sendable, CaseIterable {
  /// `text_model.embeddings.token_embedding.weight` …, query, key and value apart.
  case huggingFace = "hugging_face"
  /// `token_embedding.weight` …, as in OpenAI's and Microsoft's checkpoints, query, key and value in one.
  case openAI = "openai"

  var tokens: String {
    switch self {
    case .huggingFace: "text_model.embeddings.token_embedding.weight"
    case .openAI: "token_embedding.weight"
    }
  }

  var positions: String {
    switch self {
    case .huggingFace: "text_model.embeddings.position_embedding.weight"
    case .openAI: "positional_embedding"
    }
  }

  func layer(_ index: Int) -> String {
    switch self {
    case .huggingFace: "text_model.encoder.layers.\(index)"
    case .openAI: "transformer.resblocks.\(index)"
    }
  }

  var finalNorm: String {
    switch self {
    case .huggingFace: "text_model.final_layer_norm"
    case .openAI: "ln_final"
    }
  }

  /// What a checkpoint may hold besides the encoder: the list 0, 1, 2 … of positions; the projections, temperature, sizes and
  /// image encoder of the whole of CLIP.
  package var unusedTensors: [String] {
    switch self {
    case .huggingFace: ["text_model.embeddings.position_ids"]
    case .openAI: ["text_projection", "logit_scale", "visual", "input_resolution", "context_length", "vocab_size"]
    }
  }

  // Within a layer.

  var firstNorm: String { self == .huggingFace ? "layer_norm1" : "ln_1" }
  var secondNorm: String { self == .huggingFace ? "layer_norm2" : "ln_2" }
  var projection: String { self == .huggingFace ? "self_attn.out_proj" : "attn.out_proj" }
  var widen: String { self == .huggingFace ? "mlp.fc1" : "mlp.c_fc" }
  var narrow: String { self == .huggingFace ? "mlp.fc2" : "mlp.c_proj" }

  /// The projections to query, key and value [3D, D] of a layer.
  func queryKeyValue(_ layer: WeightLoader, width: Int) throws(CheckpointError) -> Linear {
    switch self {
    case .huggingFace:
      return try layer.scope("self_attn").stackedLinear(["q_proj", "k_proj", "v_proj"], width: width)
    case .openAI:
      let attention = layer.scope("attn")
      return Linear(
        weights: try attention.layerWeights("in_proj_weight", [3 * width, width]),
        bias: try attention.tensor("in_proj_bias", [3 * width]),
        options: attention.options)
    }
  }
}
