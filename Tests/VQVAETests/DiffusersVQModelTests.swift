import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import VQVAE

/// The autoencoder of a recorded diffusers folder: widths that aren't multiples of the first, four groups.
@Suite struct DiffusersVQModelTests {
  private static let folder = fixtures.appendingPathComponent("hf/pipeline/vqvae")
  private static let config = try! JSONDecoder().decode(
    [String: JSONValue].self, from: Data(contentsOf: folder.appendingPathComponent("config.json")))

  private func file() throws -> SafetensorsFile {
    try SafetensorsFile(Self.folder.appendingPathComponent("diffusion_pytorch_model.safetensors"))
  }

  private func description(_ changes: [String: JSONValue] = [:]) throws -> DiffusersVQModel {
    try JSONValue.object(Self.config.merging(changes) { $1 }.filter { !$1.isNull }).decoded()
  }

  /// The model of a file whose names are changed first, by (now, later) pairs of their parts.
  private func load(_ changes: [(String, String)] = []) throws -> VQModel {
    let file = try file()
    let other = RenamedSource(
      file,
      file.names.map { name in
        .init(name: changes.reduce(name) { $0.replacingOccurrences(of: $1.0, with: $1.1) }, original: name)
      })
    let description = try description()
    let tensors = RenamedSource(other, try description.tensors(among: other.names))
    return try VQModel(description.configuration(), weights: Weights(tensors))
  }

  @Test func configurationIsRead() throws {
    let configuration = try description().configuration()
    let json = """
      {"ch": 4, "ch_mult": [2, 3], "conv_in_channels": 8, "num_res_blocks": 1, "resolution": 8, "attn_resolutions": [4],
       "in_channels": 3, "out_ch": 3, "z_channels": 6, "embed_dim": 5, "n_embed": 20, "norm_groups": 4}
      """
    #expect(try JSONDecoder().decode(VQModelConfiguration.self, from: Data(json.utf8)) == configuration)
    let written = try JSONEncoder().encode(configuration)
    #expect(try JSONDecoder().decode(VQModelConfiguration.self, from: written) == configuration)
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

  @Test(arguments: everyWay) func folderAgrees(way: ComputeOptions) throws {
    let golden = try GoldenCase("hf")
    let model = try ComputeOptions.$current.withValue(way) { try load() }
    let centred = nhwc(try golden.floats("in.image"))
    let image = FloatTensor(centred.values.map { ($0 + 1) / 2 }, shape: centred.shape)
    expectClose(
      model.latents(of: image), nhwc(try golden.floats("out.encoded_latents")), absolute: try golden.tolerance("encoded_latents"))
    #expect(try model.encode(image).tokens.map(Int.init) == golden.integers("out.encoded_indices"))
    let grid = TokenGrid(tokens: try golden.integers("in.decode_tokens").map { Int32($0) }, height: 4, width: 4)
    expectClose(
      model.codeVectors(grid), nhwc(try golden.floats("out.codebook_vectors")),
      absolute: try golden.tolerance("codebook_vectors"))
    expectClose(
      model.rawImages(grid), nhwc(try golden.floats("out.decoded_raw")), absolute: try golden.tolerance("decoded_raw"))
    expectClose(
      try model.decode(grid), nhwc(try golden.floats("out.decoded_image")), absolute: try golden.tolerance("decoded_image"))
  }

  @Test func olderNamesOfAttentionLayersMeanTheSame() throws {
    let old = try load([("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")])
    let grid = TokenGrid(tokens: (0..<16).map { Int32($0) }, height: 4, width: 4)
    #expect(try old.decode(grid).values == load().decode(grid).values)
  }

  @Test func tensorsWithoutAPlaceAndMissingOnesAreErrors() throws {
    let isReported: (String) -> (any Error) -> Bool = { name in
      {
        switch $0 as? CheckpointError {
        case .unexpectedTensors(_, let names): names == [name]
        case .missingTensor(_, let tensor, _): tensor == name
        default: false
        }
      }
    }
    let file = try file()
    let list = try description().tensors(among: file.names + ["encoder.temb.weight"])
    #expect(list.last?.name == "encoder.temb.weight" && list.last?.original == "encoder.temb.weight")
    #expect(list.count == file.names.count + 1)
    let withMore = RenamedSource(file, list.dropLast() + [.init(name: "temb", original: "quant_conv.bias")])
    #expect(performing: { try VQModel(description().configuration(), weights: Weights(withMore)) }, throws: isReported("temb"))
    #expect(
      performing: { try load([("mid_block.resnets.1.conv2", "mid_block.resnets.2.conv2")]) },
      throws: isReported("encoder.mid.block_2.conv2.weight"))
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
