import Foundation
import TestSupport
import Testing
import VQVAE

/// A diffusers autoencoder's configuration: widths that aren't multiples of the first, four groups.
@Suite struct DiffusersVQModelTests {
  private static let config = """
    {"_class_name": "VQModel", "act_fn": "silu", "block_out_channels": [8, 12], "in_channels": 3, "out_channels": 3,
     "down_block_types": ["DownEncoderBlock2D", "AttnDownEncoderBlock2D"], "force_upcast": false, "latent_channels": 6,
     "up_block_types": ["AttnUpDecoderBlock2D", "UpDecoderBlock2D"], "layers_per_block": 1, "mid_block_add_attention": true,
     "norm_num_groups": 4, "norm_type": "group", "num_vq_embeddings": 20, "sample_size": 8, "vq_embed_dim": 5}
    """

  private func description(_ changes: [String: JSONValue] = [:]) throws -> DiffusersVQModel {
    let config = try JSONDecoder().decode([String: JSONValue].self, from: Data(Self.config.utf8))
    return try JSONValue.object(config.merging(changes) { $1 }.filter { !$1.isNull }).decoded()
  }

  @Test func configurationIsRead() throws {
    let configuration = try description().configuration()
    let json = """
      {"ch": 4, "ch_mult": [2, 3], "conv_in_channels": 8, "num_res_blocks": 1, "resolution": 8, "attn_resolutions": [4],
       "in_channels": 3, "out_ch": 3, "z_channels": 6, "embed_dim": 5, "n_embed": 20, "norm_groups": 4}
      """
    #expect(try JSONDecoder().decode(TamingVQGANConfiguration.self, from: Data(json.utf8)) == configuration)
    let written = try JSONEncoder().encode(configuration)
    #expect(try JSONDecoder().decode(TamingVQGANConfiguration.self, from: written) == configuration)
  }

  @Test func absentFieldsHaveTheLibrarysDefaults() throws {
    let absent = try description([
      "vq_embed_dim": .null, "norm_num_groups": .null, "norm_type": .null, "act_fn": .null, "sample_size": .null,
      "mid_block_add_attention": .null, "_class_name": .null, "block_out_channels": .array([.int(64), .int(128)]),
    ]).configuration()
    #expect(absent.codeDimension == 6 && absent.groups == 32 && absent.normGroups == nil)
    #expect(absent.channels == 64 && absent.channelMultipliers == [1, 2] && absent.convInChannels == nil)
    #expect(absent.resolution == 2 && absent.attentionResolutions == [1])
  }

  static let refusals: [([String: JSONValue], String)] = [
    (["_class_name": .string("AutoencoderKL")], "_class_name must be VQModel, found AutoencoderKL"),
    (["norm_type": .string("spatial")], "norm_type must be group, found spatial"),
    (["act_fn": .string("gelu")], "act_fn must be silu, found gelu"),
    (["mid_block_add_attention": .bool(false)], "mid_block_add_attention must be true, found false"),
    (["norm_num_groups": .int(0)], "norm_num_groups must be 1...65536, found 0"),
    (
      ["block_out_channels": .array([.int(8), .int(10)])],
      "block_out_channels must be 1 to 10 numbers in 1...65536, divisible by 4, found [8, 10]"
    ),
    (["block_out_channels": .array([])], "block_out_channels must be 1 to 10 numbers in 1...65536, divisible by 4, found []"),
    (
      ["down_block_types": .array([.string("DownEncoderBlock2D")])],
      "down_block_types must be 2 of DownEncoderBlock2D and AttnDownEncoderBlock2D, found [\"DownEncoderBlock2D\"]"
    ),
    (
      ["up_block_types": .array([.string("UpDecoderBlock2D"), .string("AttnUpDecoderBlock2D")])],
      "up_block_types must be attention on the levels that have it in down_block_types, "
        + "found [\"UpDecoderBlock2D\", \"AttnUpDecoderBlock2D\"]"
    ),
    (["num_vq_embeddings": .int(0)], "num_vq_embeddings must be 1...16777216, found 0"),
    (["layers_per_block": .int(65)], "layers_per_block must be 1...64, found 65"),
    (["out_channels": .int(4)], "out_channels must be 3, found 4"),
    (["in_channels": .int(1)], "in_channels must be 3, found 1"),
    (["latent_channels": .int(-1)], "latent_channels must be 1...65536, found -1"),
    (["vq_embed_dim": .int(0)], "vq_embed_dim must be 1...65536, found 0"),
    (["sample_size": .int(65537)], "sample_size must be 1...65536, found 65537"),
  ]

  @Test(arguments: refusals) func whatCantBeRepresentedIsRefused(changes: [String: JSONValue], message: String) throws {
    let description = try description(changes)
    let error = #expect(throws: VQVAEError.self) { try description.configuration() }
    #expect(error?.description == "vqvae configuration: \(message)")
  }
}
