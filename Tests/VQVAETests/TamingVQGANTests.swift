import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import VQVAE

@Suite struct TamingVQGANTests {
  private static let fields: [String: JSONValue] = [
    "ch": .int(32), "ch_mult": .array([.int(1), .int(2)]), "num_res_blocks": .int(1), "attn_resolutions": .array([.int(8)]),
    "resolution": .int(16), "in_channels": .int(3), "out_ch": .int(3), "z_channels": .int(16), "embed_dim": .int(8),
    "n_embed": .int(20), "double_z": .bool(false),
  ]

  private func configuration(_ changes: [String: JSONValue] = [:]) throws -> TamingVQGANConfiguration {
    try JSONValue.object(Self.fields.merging(changes) { $1 }).decoded()
  }

  static let refusals: [([String: JSONValue], String)] = [
    (["norm_groups": .int(0)], "norm_groups must be 1...65536, found 0"),
    (["norm_groups": .int(65537)], "norm_groups must be 1...65536, found 65537"),
    (["norm_groups": .int(5)], "ch_mult must be multipliers that make channels divisible by 5, found [1, 2]"),
    (["conv_in_channels": .int(0)], "conv_in_channels must be 1...65536, divisible by 32, found 0"),
    (["conv_in_channels": .int(-32)], "conv_in_channels must be 1...65536, divisible by 32, found -32"),
    (["conv_in_channels": .int(33)], "conv_in_channels must be 1...65536, divisible by 32, found 33"),
    (
      ["ch": .int(16), "ch_mult": .array([.int(2), .int(4)])], "ch must be 1...65536, divisible by 32, found 16"
    ),
    (["quantizer": .string("gumbel")], "embed_dim must be z_channels (16) with the gumbel quantizer, found 8"),
  ]

  @Test(arguments: refusals) func numbersThatDontFitAreRefused(changes: [String: JSONValue], message: String) throws {
    let configuration = try configuration(changes)
    let error = #expect(throws: VQVAEError.self) { try TamingVQGAN(configuration, weights: WeightLoader(randomSeed: 1)) }
    #expect(error?.description == "vqvae configuration: \(message)")
  }

  @Test func unknownQuantizersAreRefused() throws {
    #expect(throws: DecodingError.self) { try configuration(["quantizer": .string("residual")]) }
  }

  @Test(arguments: QuantizerKind.allCases) func everyQuantizerMakesAModel(quantizer: QuantizerKind) throws {
    let configuration = try configuration(["quantizer": .string(quantizer.rawValue), "embed_dim": .int(16)])
    let model = try TamingVQGAN(configuration, weights: WeightLoader(randomSeed: 3))
    let grid = ImageTokens((0..<20).map { Int32($0) }, layout: .grid(rows: 4, columns: 5))
    #expect(try model.decode(grid).shape == [1, 8, 10, 3])
    if [.nearest, .ema].contains(quantizer) {
      #expect(model.codeIndices(ofLatents: model.codeVectors(grid)) == grid.tokens)
    }
  }

  @Test func ofEquallyNearCodesTheFirstIsChosen() {
    let codes = FloatTensor([3, 0, 0, -2, 0, 2, 3, 0, 5, 5], shape: [5, 2])
    let codebook = Codebook(codes: .floats(codes), options: ComputeOptions())
    let latents = FloatTensor([3, 0, 0, 0, -1, 4, 9, 9, 2, 0, 0, -9], shape: [1, 3, 2, 2])
    #expect(codebook.tokens(latents) == [0, 1, 2, 4, 0, 1])
  }

  @Test(arguments: everyWay) func slicesOfImagesDontChangeTheirTokens(way: ComputeOptions) throws {
    let model = try TamingVQGAN(configuration(), weights: WeightLoader(randomSeed: 5, options: way))
    let images = FloatTensor((0..<5 * 6 * 4 * 3).map { Float($0 * 37 % 101) / 100 }, shape: [5, 6, 4, 3])
    let together = try model.tokensAndFeatures(images, imagesAtOnce: 5)
    let features = try #require(together.features)
    #expect(together.tokens.count == 5 && features.shape == [5, 3, 2, 64])
    for imagesAtOnce in [1, 2, 7, nil] {
      let sliced = try model.tokensAndFeatures(images, imagesAtOnce: imagesAtOnce)
      #expect(sliced.tokens == together.tokens)
      let slicedFeatures = try #require(sliced.features)
      let areSame = slicedFeatures.values.map(\.bitPattern) == features.values.map(\.bitPattern)
      #expect(areSame && slicedFeatures.shape == features.shape)
    }
    #expect(try model.encode(images) == together.tokens)
    let none = try model.tokensAndFeatures(FloatTensor(zeros: [0, 6, 4, 3]))
    #expect(none.tokens.count == 0 && none.features?.shape == [0, 3, 2, 64])
  }

  @Test func whatOnlyTrainingReadsMayBeThere() throws {
    func load(_ name: String, _ quantizer: QuantizerKind?, with extra: String) throws -> TamingVQGAN {
      let golden = try GoldenCase(name)
      let weights = try golden.vqWeights(adding: [ShapesOnly(shapes: [extra: [1]])])
      return try TamingVQGAN(golden.vqConfiguration(quantizer), weights: weights)
    }
    #expect(throws: Never.self) { try load("vqvae-taming", nil, with: "loss.discriminator.main.0.weight") }
    #expect(throws: Never.self) { try load("vqvae-patch", .emaCosine, with: "loss.logvar") }
    for extra in ["losses.x", "quantize.cluster_size", "encoder.loss"] {
      #expect {
        try load("vqvae-taming", nil, with: extra)
      } throws: { error in
        if case .unexpectedTensors(_, let names)? = error as? CheckpointError { names == [extra] } else { false }
      }
    }
  }
}
