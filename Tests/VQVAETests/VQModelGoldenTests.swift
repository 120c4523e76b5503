import Checkpoint
import Tensor
import TestSupport
import Testing
import VQVAE

/// The public reference's autoencoder, end to end and block by block.
@Suite struct VQModelGoldenTests {
  private func tamingModel(_ way: ComputeOptions) throws -> (GoldenCase, VQModel) {
    let golden = try GoldenCase("vqvae-taming")
    return try ComputeOptions.$current.withValue(way) {
      (golden, try VQModel(golden.params.decoded(), weights: golden.weights()))
    }
  }

  @Test(arguments: everyWay) func imageToTokens(way: ComputeOptions) throws {
    let (golden, model) = try tamingModel(way)
    let image = nhwc(try golden.floats("in.image"))
    expectClose(
      model.encoderOutput(image), nhwc(try golden.floats("out.encoder_output")),
      absolute: try golden.tolerance("encoder_output"))
    expectClose(model.latents(of: image), nhwc(try golden.floats("out.latents")), absolute: try golden.tolerance("latents"))
    let grid = try model.encode(image)
    #expect(grid.height == 8 && grid.width == 8)
    #expect(grid.tokens.map(Int.init) == (try golden.integers("out.indices")))
  }

  @Test(arguments: everyWay) func tokensToImage(way: ComputeOptions) throws {
    let (golden, model) = try tamingModel(way)
    for (input, output) in [("out.indices", "decoded_image"), ("in.other_indices", "decoded_from_other_indices")] {
      let grid = TokenGrid(tokens: try golden.integers(input).map { Int32($0) }, height: 8, width: 8)
      expectClose(try model.decode(grid), nhwc(try golden.floats("out.\(output)")), absolute: try golden.tolerance(output))
    }
    let grid = TokenGrid(tokens: try golden.integers("out.indices").map { Int32($0) }, height: 8, width: 8)
    expectClose(
      model.postQuantized(grid), nhwc(try golden.floats("out.post_quant")), absolute: try golden.tolerance("post_quant"))
  }

  @Test(arguments: everyWay) func imagesDontDependOnTheBatchNorTheShapeOfTheGrid(way: ComputeOptions) throws {
    let (_, model) = try tamingModel(way)
    let tokens = (0..<3 * 5 * 4).map { Int32($0 * 7 % 20) }
    let together = try model.decode(TokenGrid(tokens: tokens, height: 3, width: 5))
    #expect(together.shape == [4, 6, 10, 3])
    let alone = try (0..<4).flatMap {
      try model.decode(TokenGrid(tokens: Array(tokens[$0 * 15..<($0 + 1) * 15]), height: 3, width: 5)).values
    }
    let areSame = together.values.map(\.bitPattern) == alone.map(\.bitPattern)
    #expect(areSame)
    let grid = try model.encode(together)
    #expect(grid.height == 3 && grid.width == 5 && grid.count == 4)
  }

  @Test(arguments: everyWay) func emptyBatchesGiveNothing(way: ComputeOptions) throws {
    let (_, model) = try tamingModel(way)
    #expect(try model.encode(FloatTensor(zeros: [0, 6, 4, 3])) == TokenGrid(tokens: [], height: 3, width: 2))
    #expect(try model.decode(TokenGrid(tokens: [], height: 3, width: 2)).shape == [0, 6, 4, 3])
  }

  @Test(arguments: everyWay) func blocksAgree(way: ComputeOptions) throws {
    try ComputeOptions.$current.withValue(way) { try checkBlocks() }
  }

  private func checkBlocks() throws {
    let golden = try GoldenCase("vqvae-blocks")
    let weights = try golden.weights()
    func check(_ y: FloatTensor, _ output: String) throws {
      expectClose(y, nhwc(try golden.floats("out.\(output)")), absolute: try golden.tolerance(output))
    }
    try check(ResidualBlock(weights.scope("res"), inputs: 64, outputs: 32, groups: 32)(nhwc(golden.floats("in.res"))), "res")
    let image = nhwc(try golden.floats("in.attn"))
    try check(AttentionBlock(weights.scope("attn"), channels: 32, groups: 32)(image), "attn")
    let down = try Downsampling(weights.scope("down"), channels: 32)
    try check(down(image), "down")
    try check(down(nhwc(golden.floats("in.odd"))), "down_odd")
    try check(Upsampling(weights.scope("up"), channels: 32)(image), "up")
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
