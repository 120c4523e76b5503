import Checkpoint
import Foundation
import Tensor
import Transformer
import VQDiffusion
import VQVAE

/// Architectures whose speed is of interest without their weights: the networks are made in memory with random ones. Denoiser and
/// codec are made apart, each when it is asked for.
package enum RandomArchitecture: String, Sendable, CaseIterable {
  /// The released ImageNet model's: 24 blocks of width 512 with 3×3-convolution MLPs, and the f16 VQGAN of 16,384 codes, of which the
  /// denoiser knows 974.
  case imagenet = "imagenet-random"
  /// 6 blocks of width 192 and a VQGAN of 512 codes: the built-in model's but for the codes, of which that has 1024.
  case cifar = "cifar-random"
  /// The released text-conditional ITHQ model's: 36 blocks of width 1408 on 32×32 tokens of 4096 codes, with 77 text vectors of width 512,
  /// and its autoencoder of 256×256 pixels, whose codebook is a moving average.
  case ithq = "ithq-random"

  private static let seed: UInt64 = 1

  package func network() throws -> VQDiffusionConfiguration {
    let json =
      switch self {
      case .imagenet:
        #"{"kind": "class", "class_norm": "adalayernorm", "class_rows": 1001, "unconditional_class": 1000, "#
          + #""layers": 24, "width": 512, "heads": 16, "mlp": "conv_mlp", "#
          + #""grid": [16, 16], "position_table": [32, 32], "codebook_size": 974, "#
      case .cifar:
        #"{"kind": "class", "class_norm": "adalayernorm", "class_rows": 11, "unconditional_class": 10, "#
          + #""layers": 6, "width": 192, "heads": 6, "mlp": "fc", "#
          + #""grid": [8, 8], "position_table": [8, 8], "codebook_size": 512, "#
      case .ithq:
        #"{"kind": "text", "text_length": 77, "text_width": 512, "layers": 36, "width": 1408, "heads": 16, "mlp": "fc", "#
          + #""grid": [32, 32], "position_table": [32, 32], "codebook_size": 4096, "#
      }
    let rest = #"""
      "timestep_norm": "adalayernorm", "mlp_hidden_multiplier": 4, "activation": "GELU2", "position_kind": "embedding",
      "timesteps": 100}
      """#
    return try JSONDecoder().decode(VQDiffusionConfiguration.self, from: Data((json + rest).utf8))
  }

  package func tokenizer() throws -> TamingVQGANConfiguration {
    let json =
      switch self {
      case .imagenet:
        #"{"ch": 128, "ch_mult": [1, 1, 2, 2, 4], "num_res_blocks": 2, "attn_resolutions": [16], "resolution": 256, "#
          + #""z_channels": 256, "embed_dim": 256, "n_embed": 16384, "#
      case .cifar:
        #"{"ch": 32, "ch_mult": [1, 1, 2], "num_res_blocks": 1, "attn_resolutions": [], "resolution": 32, "#
          + #""z_channels": 64, "embed_dim": 32, "n_embed": 512, "#
      case .ithq:
        #"{"ch": 64, "ch_mult": [1, 2, 4, 8], "num_res_blocks": 2, "attn_resolutions": [32], "resolution": 256, "#
          + #""z_channels": 256, "embed_dim": 128, "n_embed": 4096, "quantizer": "ema", "#
      }
    return try JSONDecoder().decode(
      TamingVQGANConfiguration.self, from: Data((json + #""in_channels": 3, "out_ch": 3}"#).utf8))
  }

  package func denoiser(options: ComputeOptions) throws -> any DenoisingNetwork {
    try network().network(WeightLoader(randomSeed: Self.seed, options: options))
  }

  package func codec(options: ComputeOptions) throws -> any ImageTokenizer {
    let (configuration, codes) = (try tokenizer(), try network().codebookSize)
    // As in the published tables, codes out of use share reduced code 0.
    let map =
      configuration.codes == codes
      ? nil : try CodebookMap(reduced: (0..<configuration.codes).map { $0 < codes ? $0 : 0 }, reducedCodes: codes)
    return try configuration.tokenizer(WeightLoader(randomSeed: Self.seed, options: options), codebookMap: map)
  }
}
