import Checkpoint
import Foundation
import TestSupport

/// A recorded class-conditional model, of which `ModelFolders` makes a folder, as a checkpoint with its YAML file: the denoiser in one
/// file, the weights of the last step being their averages too; the autoencoder in another.
struct CheckpointModel {
  /// What names the three files, all in the working folder.
  static let arguments = ["--model", "model.pth", "--config", "model.yaml", "--vqvae", "vqvae.pth"]

  static func write(to folder: URL) throws {
    let denoiser = try GoldenCase("denoiser-class-fc")
    let weights = try denoiser.sources()
    var stored: [StoredTensor] = []
    for source in weights {
      for name in source.names {
        stored.append(try StoredTensor("model.transformer.transformer.\(name)", name, of: source, floatsAs: nil))
        stored.append(StoredTensor("ema.transformer.\(name)", try source.floatTensor(name)))
      }
    }
    let timesteps = try denoiser.params.int("timesteps")
    stored.append(StoredTensor("model.transformer.Lt_count", Array(repeating: 0, count: timesteps), shape: [timesteps]))
    stored.append(StoredTensor("last_epoch", [99], shape: [1]))
    try SafetensorsFile.write(stored, to: folder.appendingPathComponent("model.pth"))
    try SafetensorsFile.write(
      GoldenCase("vqvae-taming").sources().flatMap { source in
        try source.names.map { try StoredTensor("state_dict.\($0)", $0, of: source, floatsAs: nil) }
      }, to: folder.appendingPathComponent("vqvae.pth"))
    try Data(yaml(denoiser.params).utf8).write(to: folder.appendingPathComponent("model.yaml"))
  }

  private static func yaml(_ params: JSONValue) throws -> String {
    """
    model:
      params:
        content_codec_config:
          params: {ckpt_path: 'elsewhere/vqgan.ckpt', quantize_number: 0, mapping_path: 'elsewhere/map.pt'}
        diffusion_config:
          params:
            diffusion_step: \(try params.int("timesteps"))
            alpha_init_type: alpha1
            transformer_config:
              params:
                attn_type: selfcondition
                class_type: \(try params.string("class_norm"))
                class_number: \(try params.int("class_rows"))
                timestep_type: \(try params.string("timestep_norm"))
                n_layer: \(try params.int("layers"))
                n_embd: \(try params.int("width"))
                n_head: \(try params.int("heads"))
                mlp_type: \(try params.string("mlp"))
                mlp_hidden_times: \(try params.int("mlp_hidden_multiplier"))
                block_activate: \(try params.string("activation"))
                content_spatial_size: \(try params.ints("grid"))
            content_emb_config:
              params:
                num_embed: \(try params.int("codebook_size"))
                spatial_size: !!python/tuple \(try params.ints("position_table"))
                pos_emb_type: \(try params.string("position_kind"))
    """
  }
}

extension GoldenCase {
  /// The case's weight files.
  fileprivate func sources() throws -> [SafetensorsFile] {
    try config.strings("weights").map { try SafetensorsFile(folder.appendingPathComponent($0)) }
  }
}
