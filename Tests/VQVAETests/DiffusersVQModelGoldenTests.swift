import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import VQVAE

/// The autoencoder of a recorded diffusers folder.
@Suite struct DiffusersVQModelGoldenTests {
  private static let folder = fixtures.appendingPathComponent("hf/pipeline/vqvae")

  private func file() throws -> SafetensorsFile {
    try SafetensorsFile(Self.folder.appendingPathComponent("diffusion_pytorch_model.safetensors"))
  }

  private func description() throws -> DiffusersVQModel {
    try JSONDecoder().decode(DiffusersVQModel.self, from: Data(contentsOf: Self.folder.appendingPathComponent("config.json")))
  }

  /// The model of a file whose names are changed first, by (now, later) pairs of their parts.
  private func load(_ changes: [(String, String)] = [], options: ComputeOptions = ComputeOptions()) throws -> TamingVQGAN {
    let file = try file()
    let other = RenamedSource(
      file,
      file.names.map { name in
        .init(name: changes.reduce(name) { $0.replacingOccurrences(of: $1.0, with: $1.1) }, original: name)
      })
    let description = try description()
    let tensors = RenamedSource(other, try description.tensors(among: other.names))
    return try TamingVQGAN(description.configuration(), weights: WeightLoader(tensors, options: options))
  }

  @Test func configurationHoldsTheRecordedNumbers() throws {
    let (configuration, recorded) = (try description().configuration(), try GoldenCase("hf").params["vqvae"])
    #expect(try configuration.channelMultipliers.map { $0 * configuration.channels } == recorded.ints("block_out_channels"))
    #expect(try configuration.firstChannels == recorded.ints("block_out_channels").first)
    #expect(try configuration.residualBlocks == recorded.int("layers_per_block"))
    #expect(try configuration.resolution == recorded.int("sample_size"))
    #expect(try configuration.latentChannels == recorded.int("latent_channels"))
    #expect(try configuration.codeDimension == recorded.int("vq_embed_dim"))
    #expect(try configuration.codes == recorded.int("num_vq_embeddings"))
    #expect(try configuration.groups == recorded.int("norm_num_groups"))
    let attends = try recorded.strings("down_block_types").map { $0.hasPrefix("Attn") }
    #expect(attends.indices.map { configuration.hasAttention(level: $0) } == attends)
  }

  @Test(arguments: everyWay) func folderAgrees(way: ComputeOptions) throws {
    let golden = try GoldenCase("hf")
    let model = try load(options: way)
    let centred = nhwc(try golden.floats("in.image"))
    let image = FloatTensor(centred.values.map { ($0 + 1) / 2 }, shape: centred.shape)
    expectClose(
      model.latents(of: image), nhwc(try golden.floats("out.encoded_latents")),
      absolute: try golden.tolerance("encoded_latents"))
    #expect(try model.encode(image).tokens.map(Int.init) == golden.integers("out.encoded_indices"))
    let grid = try golden.grid("in.decode_tokens", sizedAs: "out.codebook_vectors")
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
    let grid = ImageTokens((0..<3 * 5).map { Int32($0 % old.codes) }, layout: .grid(rows: 3, columns: 5))
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
    #expect(
      performing: { try TamingVQGAN(description().configuration(), weights: WeightLoader(withMore)) },
      throws: isReported("temb"))
    #expect(
      performing: { try load([("mid_block.resnets.1.conv2", "mid_block.resnets.2.conv2")]) },
      throws: isReported("encoder.mid.block_2.conv2.weight"))
  }
}
