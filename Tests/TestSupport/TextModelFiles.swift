import Checkpoint
import Foundation
import Tensor

/// The tensors of a small text-conditional model: a recorded denoiser whose cross-attention reads wider vectors, and a random text
/// encoder over OpenAI's whole vocabulary, one head of 64.
package enum TextModelFiles {
  package static let (width, hiddenWidth, layers, textLength, vocabulary) = (64, 96, 2, 8, 49_408)
  private static let random = WeightLoader(randomSeed: 11)

  /// What the denoiser's configuration says otherwise than the recorded one.
  package static var changes: [String: Any] {
    [
      MicrosoftFiles.network("condition_seq_len"): textLength, MicrosoftFiles.network("condition_dim"): width,
    ]
  }

  package static func denoiser(prefix: String = MicrosoftFiles.denoiserPrefix) throws -> [StoredTensor] {
    try MicrosoftFiles.weights("denoiser-text", prefix: prefix).map { tensor in
      guard tensor.name.hasSuffix("attn2.key.weight") || tensor.name.hasSuffix("attn2.value.weight") else { return tensor }
      return StoredTensor(tensor.name, try random.tensor(String(tensor.name.dropFirst(prefix.count)), [tensor.shape[0], width]))
    }
  }

  /// The text encoder under OpenAI's names.
  package static func encoder(prefix: String = "model.transformer.condition_emb.") throws -> [StoredTensor] {
    try parts.map { part in StoredTensor(prefix + part.openAI, try random.tensor(part.openAI, part.shape)) }
      + [StoredTensor(prefix + "logit_scale", FloatTensor([4.6], shape: []))]
  }

  /// The same under Hugging Face's names.
  package static func huggingFaceEncoder() throws -> [StoredTensor] {
    try parts.flatMap { part in
      let tensor = try random.tensor(part.openAI, part.shape)
      let rows = tensor.shape[0] / part.huggingFace.count
      return part.huggingFace.enumerated().map { index, name in
        let count = tensor.count / part.huggingFace.count
        return StoredTensor(
          "text_model." + name,
          FloatTensor(Array(tensor.values[index * count..<(index + 1) * count]), shape: [rows] + tensor.shape.dropFirst()))
      }
    }
  }

  /// Learned vectors for "no text", in 64 bits as in the published checkpoints.
  package static func emptyText(_ name: String = "model.transformer.empty_text_embed") throws -> StoredTensor {
    StoredTensor(name, try random.tensor("empty", [textLength, width]), as: .float64)
  }

  package static var encoderConfiguration: [String: Any] {
    [
      "hidden_size": width, "intermediate_size": hiddenWidth, "num_attention_heads": 1, "num_hidden_layers": layers,
      "max_position_embeddings": textLength, "vocab_size": vocabulary,
    ]
  }

  /// Each tensor by OpenAI's name, and by Hugging Face's, which has three for a stacked one.
  private static var parts: [(openAI: String, huggingFace: [String], shape: [Int])] {
    var parts: [(String, [String], [Int])] = [
      ("token_embedding.weight", ["embeddings.token_embedding.weight"], [vocabulary, width]),
      ("positional_embedding", ["embeddings.position_embedding.weight"], [textLength, width]),
      ("ln_final.weight", ["final_layer_norm.weight"], [width]), ("ln_final.bias", ["final_layer_norm.bias"], [width]),
    ]
    for layer in 0..<layers {
      let (open, face) = ("transformer.resblocks.\(layer)", "encoder.layers.\(layer)")
      for (suffix, shape) in [("weight", [3 * width, width]), ("bias", [3 * width])] {
        parts.append(("\(open).attn.in_proj_\(suffix)", ["q", "k", "v"].map { "\(face).self_attn.\($0)_proj.\(suffix)" }, shape))
      }
      for (theirs, ours, outputs, inputs) in [
        ("attn.out_proj", "self_attn.out_proj", width, width), ("mlp.c_fc", "mlp.fc1", hiddenWidth, width),
        ("mlp.c_proj", "mlp.fc2", width, hiddenWidth),
      ] {
        parts.append(("\(open).\(theirs).weight", ["\(face).\(ours).weight"], [outputs, inputs]))
        parts.append(("\(open).\(theirs).bias", ["\(face).\(ours).bias"], [outputs]))
      }
      for norm in 1...2 {
        for suffix in ["weight", "bias"] {
          parts.append(("\(open).ln_\(norm).\(suffix)", ["\(face).layer_norm\(norm).\(suffix)"], [width]))
        }
      }
    }
    return parts
  }
}
