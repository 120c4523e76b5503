import Checkpoint
import Foundation
import Tensor

/// Builds checkpoints as the public VQ-Diffusion implementation lays them out, out of recorded cases. They are safetensors files,
/// since contents and not names tell formats apart.
package enum MicrosoftFiles {
  /// The prefix of the denoiser's tensors.
  package static let denoiserPrefix = "model.transformer.transformer."

  /// The weights of a recorded case, as stored, each name behind a prefix.
  package static func weights(_ name: String, prefix: String) throws -> [StoredTensor] {
    let golden = try GoldenCase(name)
    var tensors: [String: StoredTensor] = [:]
    for path in try golden.config.strings("weights") {
      let file = try SafetensorsFile(golden.folder.appendingPathComponent(path).standardizedFileURL)
      for tensor in file.names { tensors[tensor] = try StoredTensor(prefix + tensor, tensor, of: file) }
    }
    return tensors.values.sorted { $0.name < $1.name }
  }

  /// A recorded autoencoder as the checkpoint's codec: the quantiser under both halves.
  package static func codec(_ name: String, prefix: String = "model.content_codec.") throws -> [StoredTensor] {
    func half(_ half: String, _ parts: [String]) throws -> [StoredTensor] {
      try autoencoder(name, prefix: "\(prefix)\(half).").filter { tensor in
        parts.contains { tensor.name.hasPrefix("\(prefix)\(half).\($0).") }
      }
    }
    return try half("enc", ["encoder", "quant_conv", "quantize"]) + half("dec", ["decoder", "post_quant_conv", "quantize"])
  }

  /// A recorded autoencoder as a checkpoint of its own.
  package static func autoencoder(_ name: String, prefix: String) throws -> [StoredTensor] {
    // The others take encoder and decoder from this one, whose quantiser isn't theirs.
    try weights(name, prefix: prefix).filter { name == "vqvae-taming" || $0.name != "\(prefix)quantize.embedding.weight" }
  }

  /// Buffers of the schedule and the loss's history, which nothing reads.
  package static func buffers(timesteps: Int, prefix: String = "model.transformer.") -> [StoredTensor] {
    ["log_at", "log_1_min_cumprod_ct", "Lt_history"].map {
      StoredTensor(prefix + $0, FloatTensor([Float](repeating: -1, count: timesteps), shape: [timesteps]))
    }
  }

  /// What the YAML file says of a recorded denoiser, as JSON, which is YAML too.
  ///
  /// - Parameter changes: values by their dotted paths under `model.params`; `NSNull` removes one.
  package static func configuration(_ denoiser: String, changes: [String: Any] = [:]) throws -> Data {
    let params = try GoldenCase(denoiser).params
    let kind = try params.string("kind")
    var network: [String: Any] = [
      "attn_type": ["text": "selfcross", "class": "selfcondition", "uncond": "self"][kind] ?? kind,
      "n_layer": try params.int("layers"), "n_embd": try params.int("width"), "n_head": try params.int("heads"),
      "content_spatial_size": try params.ints("grid"), "timestep_type": try params.string("timestep_norm"),
      "mlp_type": try params.string("mlp"), "mlp_hidden_times": try params.int("mlp_hidden_multiplier"),
      "block_activate": try params.string("activation"),
    ]
    network["class_type"] = params["class_norm"].stringValue
    network["class_number"] = params["class_rows"].intValue
    network["condition_seq_len"] = params["text_length"].intValue
    network["condition_dim"] = params["text_width"].intValue
    let embedding: [String: Any] = [
      "num_embed": try params.int("codebook_size"), "spatial_size": try params.ints("position_table"),
      "pos_emb_type": try params.string("position_kind"),
    ]
    var diffusion: [String: Any] = [
      "diffusion_step": try params.int("timesteps"), "alpha_init_type": "alpha1",
      "transformer_config": ["params": network], "content_emb_config": ["params": embedding],
    ]
    diffusion["auxiliary_loss_weight"] = 1e-3
    var model: [String: Any] = ["diffusion_config": ["params": diffusion], "content_codec_config": ["params": [String: Any]()]]
    for (path, value) in changes { set(&model, path.split(separator: ".").map(String.init)[...], value) }
    return try JSONSerialization.data(withJSONObject: ["model": ["params": model]])
  }

  private static func set(_ object: inout [String: Any], _ path: ArraySlice<String>, _ value: Any) {
    guard let first = path.first else { return }
    guard path.count > 1 else {
      object[first] = value is NSNull ? nil : value
      return
    }
    var member = object[first] as? [String: Any] ?? [:]
    set(&member, path.dropFirst(), value)
    object[first] = member
  }

  /// Writes `model.pth` and `config.yaml`.
  package static func write(
    _ tensors: [StoredTensor], describedBy configuration: Data, to folder: URL
  ) throws -> (checkpoint: URL, configuration: URL) {
    let files = (folder.appendingPathComponent("model.pth"), folder.appendingPathComponent("config.yaml"))
    try SafetensorsFile.write(tensors, to: files.0)
    try configuration.write(to: files.1)
    return files
  }

  /// The dotted path of a field of the denoiser's network, for `configuration`.
  package static func network(_ field: String) -> String { "diffusion_config.params.transformer_config.params.\(field)" }

  /// The same of the autoencoder.
  package static func codecField(_ field: String) -> String { "content_codec_config.params.\(field)" }
}
