import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import VQVAE

@Suite struct InferredConfigurationTests {
  @Test(arguments: [("vqvae-taming", nil), ("vqvae-gumbel", QuantizerKind.gumbel), ("vqvae-patch", .ema)])
  func recordedCases(name: String, quantizer: QuantizerKind?) throws {
    let golden = try GoldenCase(name)
    var given = try golden.vqConfiguration(quantizer)
    let attending = given.channelMultipliers.indices.filter { given.hasAttention(level: $0) }
    // Sizes that no level has leave no trace.
    given.attentionResolutions = attending.map { given.resolution >> $0 }
    let inferred = try TamingVQGANConfiguration(inferredFrom: golden.vqWeights(), resolution: given.resolution)
    #expect(inferred == given)
    // Without the resolution the same levels attend, so that the same tensors load.
    let unknown = try TamingVQGANConfiguration(inferredFrom: golden.vqWeights())
    #expect(unknown.resolution == 256 && unknown.attentionResolutions == attending.map { 256 >> $0 })
    #expect(throws: Never.self) { try TamingVQGAN(unknown, weights: golden.vqWeights()) }
  }

  @Test func builtInModel() throws {
    let folder = fixtures.appendingPathComponent("../../Sources/ModelFiles/Resources/cifar10/vqvae").standardizedFileURL
    let config = try Data(contentsOf: folder.appendingPathComponent("config.json"))
    let weights = try WeightLoader(files: [folder.appendingPathComponent("model.safetensors")])
    var given = try JSONDecoder().decode(TamingVQGANConfiguration.self, from: config)
    // The file leaves it out; what is inferred states it.
    given.doubleLatent = false
    #expect(try TamingVQGANConfiguration(inferredFrom: weights, resolution: given.resolution) == given)
  }

  @Test func publishedImageNetModel() throws {
    let json = """
      {"ch": 128, "ch_mult": [1, 1, 2, 2, 4], "num_res_blocks": 2, "attn_resolutions": [16], "resolution": 256, "in_channels": 3,
       "out_ch": 3, "z_channels": 256, "embed_dim": 256, "n_embed": 16384, "double_z": false}
      """
    let given = try JSONDecoder().decode(TamingVQGANConfiguration.self, from: Data(json.utf8))
    #expect(try TamingVQGANConfiguration(inferredFrom: WeightLoader(Self.imageNet)) == given)
  }

  @Test func widthsThatArentMultiplesOfTheFirst() throws {
    let folder = fixtures.appendingPathComponent("hf/pipeline/vqvae")
    let file = try SafetensorsFile(folder.appendingPathComponent("diffusion_pytorch_model.safetensors"))
    let description = try JSONDecoder().decode(
      DiffusersVQModel.self, from: Data(contentsOf: folder.appendingPathComponent("config.json")))
    let weights = WeightLoader(RenamedSource(file, try description.tensors(among: file.names)))
    var given = try description.configuration()
    given.doubleLatent = false
    #expect(
      try TamingVQGANConfiguration(inferredFrom: weights, resolution: given.resolution, normGroups: given.normGroups) == given)
  }

  static let refusals: [(String, [Int]?, String)] = [
    (
      "quantize.embedding.weight", nil,
      "codebook, one of the tensors quantize.embed.weight, quantize.embedding, quantize.embedding.weight, "
        + "found none of these names"
    ),
    (
      "encoder.down.0.block.0.conv1.weight", nil,
      "tensor \"encoder.down.0.block.0.conv1.weight\" of 4 dimensions, found none of that name"
    ),
    ("encoder.conv_in.weight", [128, 27], "tensor \"encoder.conv_in.weight\" of 4 dimensions, found shape [128, 27]"),
    ("encoder.conv_in.weight", [0, 3, 3, 3], "tensor \"encoder.conv_in.weight\" of 4 dimensions, found shape [0, 3, 3, 3]"),
    ("encoder.conv_out.weight", nil, "tensor \"encoder.conv_out.weight\" of 4 dimensions, found none of that name"),
    ("decoder.conv_out.weight", nil, "tensor \"decoder.conv_out.weight\" of 4 dimensions, found none of that name"),
    ("quant_conv.weight", [], "tensor \"quant_conv.weight\" of 4 dimensions, found shape []"),
  ]

  @Test(arguments: refusals) func otherTensorsAreRefused(name: String, shape: [Int]?, message: String) throws {
    var tensors = Self.imageNet
    tensors.shapes[name] = shape
    let error = #expect(throws: VQVAEError.self) { try TamingVQGANConfiguration(inferredFrom: WeightLoader(tensors)) }
    #expect(error?.description == "shapes: expected a VQGAN's \(message)")
  }

  @Test func numbersOutOfRangeAreRefused() throws {
    func check(
      _ field: String, _ message: String, resolution: Int? = nil, normGroups: Int? = nil, _ change: [String: [Int]] = [:]
    ) {
      var tensors = Self.imageNet
      tensors.shapes.merge(change) { $1 }
      let error = #expect(throws: VQVAEError.self) {
        try TamingVQGANConfiguration(inferredFrom: WeightLoader(tensors), resolution: resolution, normGroups: normGroups)
      }
      #expect(error?.description == "vqvae configuration: \(field) must be \(message)")
    }
    check("resolution", "at least 16 with 5 levels, found 15", resolution: 15)
    check("norm_groups", "1...65536, found 0", normGroups: 0)
    check("ch_mult", "multipliers that make channels divisible by 3, found [1, 1, 2, 2, 4]", normGroups: 3)
    check("in_channels", "3, found 4", ["encoder.conv_in.weight": [128, 4, 3, 3]])
  }

  /// The 16,384-code ImageNet VQGAN of 16 pixels per token (Esser et al. 2021).
  private static let imageNet: ShapesOnly = {
    var shapes = [
      "encoder.conv_in.weight": [128, 3, 3, 3], "encoder.conv_out.weight": [256, 512, 3, 3],
      "decoder.conv_in.weight": [512, 256, 3, 3], "decoder.conv_out.weight": [3, 128, 3, 3],
      "quant_conv.weight": [256, 256, 1, 1], "post_quant_conv.weight": [256, 256, 1, 1],
      "quantize.embedding.weight": [16384, 256],
    ]
    let widths = [128, 128, 256, 256, 512]
    for (level, width) in widths.enumerated() {
      for block in 0..<3 {
        let isFirst = block == 0
        if block < 2 {
          let inputs = isFirst && level > 0 ? widths[level - 1] : width
          shapes["encoder.down.\(level).block.\(block).conv1.weight"] = [width, inputs, 3, 3]
          shapes["encoder.down.\(level).block.\(block).conv2.weight"] = [width, width, 3, 3]
          if level == 4 { shapes["encoder.down.4.attn.\(block).q.weight"] = [width, width, 1, 1] }
        }
        let inputs = isFirst && level < 4 ? widths[level + 1] : width
        shapes["decoder.up.\(level).block.\(block).conv1.weight"] = [width, inputs, 3, 3]
        if level == 4 { shapes["decoder.up.4.attn.\(block).q.weight"] = [width, width, 1, 1] }
      }
    }
    return ShapesOnly(shapes: shapes)
  }()
}
