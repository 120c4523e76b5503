import Checkpoint
import Tensor
import TestSupport
import Testing
import VQVAE

/// The public reference's autoencoder, end to end and block by block.
@Suite struct TamingVQGANGoldenTests {
  private func tamingModel(_ way: ComputeOptions) throws -> (GoldenCase, TamingVQGAN) {
    let golden = try GoldenCase("vqvae-taming")
    return (golden, try TamingVQGAN(golden.params.decoded(), weights: golden.weights(options: way)))
  }

  @Test(arguments: everyWay) func imageToTokens(way: ComputeOptions) throws {
    let (golden, model) = try tamingModel(way)
    let image = nhwc(try golden.floats("in.image"))
    expectClose(
      model.encoderOutput(image), nhwc(try golden.floats("out.encoder_output")),
      absolute: try golden.tolerance("encoder_output"))
    expectClose(model.latents(of: image), nhwc(try golden.floats("out.latents")), absolute: try golden.tolerance("latents"))
    #expect(try model.encode(image) == golden.grid("out.indices"))
  }

  @Test(arguments: everyWay) func tokensToImage(way: ComputeOptions) throws {
    let (golden, model) = try tamingModel(way)
    for (input, output) in [("out.indices", "decoded_image"), ("in.other_indices", "decoded_from_other_indices")] {
      expectClose(
        try model.decode(golden.grid(input)), nhwc(try golden.floats("out.\(output)")), absolute: try golden.tolerance(output))
    }
    let grid = try golden.grid("out.indices")
    expectClose(model.codeVectors(grid), nhwc(try golden.floats("out.quantized")), absolute: try golden.tolerance("quantized"))
    expectClose(
      model.rawImages(grid), nhwc(try golden.floats("out.decoded_raw")), absolute: try golden.tolerance("decoded_raw"))
    expectClose(
      model.postQuantized(grid), nhwc(try golden.floats("out.post_quant")), absolute: try golden.tolerance("post_quant"))
  }

  @Test(arguments: everyWay) func imagesDontDependOnTheBatchNorTheShapeOfTheGrid(way: ComputeOptions) throws {
    let (_, model) = try tamingModel(way)
    let factor = model.configuration.downsamplingFactor
    let tokens = (0..<3 * 5 * 4).map { Int32($0 * 7 % model.configuration.codes) }
    let together = try model.decode(ImageTokens(tokens, layout: .grid(rows: 3, columns: 5)))
    #expect(together.shape == [4, 3 * factor, 5 * factor, 3])
    let alone = try (0..<4).flatMap {
      try model.decode(ImageTokens(Array(tokens[$0 * 15..<($0 + 1) * 15]), layout: .grid(rows: 3, columns: 5))).values
    }
    let areSame = together.values.map(\.bitPattern) == alone.map(\.bitPattern)
    #expect(areSame)
    let grid = try model.encode(together)
    #expect(grid.layout == .grid(rows: 3, columns: 5) && grid.count == 4)
  }

  @Test(arguments: everyWay) func emptyBatchesGiveNothing(way: ComputeOptions) throws {
    let (_, model) = try tamingModel(way)
    let shape = [0, 3 * model.configuration.downsamplingFactor, 2 * model.configuration.downsamplingFactor, 3]
    #expect(try model.encode(FloatTensor(zeros: shape)) == ImageTokens([], layout: .grid(rows: 3, columns: 2)))
    #expect(try model.decode(ImageTokens([], layout: .grid(rows: 3, columns: 2))).shape == shape)
  }

  /// The reference's group norms have 32 groups.
  @Test(arguments: everyWay) func blocksAgree(way: ComputeOptions) throws {
    let golden = try GoldenCase("vqvae-blocks")
    let weights = try golden.weights(options: way)
    let channels = try golden.params.int("channels")
    func check(_ y: FloatTensor, _ output: String) throws {
      expectClose(y, nhwc(try golden.floats("out.\(output)")), absolute: try golden.tolerance(output))
    }
    let residual = try ResidualBlock(
      weights.scope("res"), inputs: golden.params.int("res_in"), outputs: golden.params.int("res_out"), groups: 32)
    try check(residual(nhwc(golden.floats("in.res"))), "res")
    let image = nhwc(try golden.floats("in.attn"))
    try check(AttentionBlock(weights.scope("attn"), channels: channels, groups: 32)(image), "attn")
    let down = try Downsampling(weights.scope("down"), channels: channels)
    try check(down(image), "down")
    try check(down(nhwc(golden.floats("in.odd"))), "down_odd")
    try check(Upsampling(weights.scope("up"), channels: channels)(image), "up")
    try weights.finish()
  }

  @Test func codebookMapAgrees() throws {
    let golden = try GoldenCase("codebook-remap")
    let map = try CodebookMap(
      reduced: golden.integers("in.full_to_quantize"), reducedCodes: golden.params.int("reduced_codes"))
    #expect(map.full.map(Int.init) == (try golden.integers("out.quantize_to_full")))
    let encoded = try golden.integers("in.encoder_indices").map { Int(map.reduced[$0]) }
    #expect(encoded == (try golden.integers("out.tokens")))
    #expect(try golden.integers("in.tokens_to_decode").map { Int(map.full[$0]) } == golden.integers("out.decoder_indices"))
    #expect(encoded.map { Int(map.full[$0]) } == (try golden.integers("out.round_trip_indices")))
  }
}
