import Checkpoint
import Tensor
import TestSupport
import Testing
import VQVAE

/// The public reference's other quantisers.
@Suite struct QuantizerGoldenTests {
  private func model(_ name: String, _ quantizer: QuantizerKind, _ way: ComputeOptions) throws -> (GoldenCase, TamingVQGAN) {
    let golden = try GoldenCase(name)
    return (golden, try TamingVQGAN(golden.vqConfiguration(quantizer), weights: golden.vqWeights(options: way)))
  }

  @Test(arguments: everyWay) func gumbelAgrees(way: ComputeOptions) throws {
    let (golden, model) = try model("vqvae-gumbel", .gumbel, way)
    let image = nhwc(try golden.floats("in.image"))
    let latents = model.latents(of: image)
    expectClose(latents, nhwc(try golden.floats("out.latents")), absolute: try golden.tolerance("latents"))
    expectClose(model.scores(latents), nhwc(try golden.floats("out.logits")), absolute: try golden.tolerance("logits"))
    let expected = try golden.grid("out.indices_argmax")
    #expect(try model.encode(image) == expected)
    expectClose(
      model.codeVectors(expected), nhwc(try golden.floats("out.quantized")), absolute: try golden.tolerance("quantized"))
    expectClose(
      try model.decode(expected), nhwc(try golden.floats("out.decoded_image")), absolute: try golden.tolerance("decoded_image"))
  }

  @Test(arguments: everyWay) func patchAgrees(way: ComputeOptions) throws {
    let (golden, model) = try model("vqvae-patch", .ema, way)
    let image = scaled(nhwc(try golden.floats("in.image_255")), by: 1 / 255)
    expectClose(model.latents(of: image), nhwc(try golden.floats("out.latents")), absolute: try golden.tolerance("latents"))
    let expected = try golden.grid("out.indices")
    #expect(try model.encode(image) == expected)
    #expect(try golden.grid("out.indices_inference_wrapper") == expected)
    let decoded = try model.decode(expected)
    expectClose(
      decoded, nhwc(try golden.floats("out.decoded_image_inference_wrapper")),
      absolute: try golden.tolerance("decoded_image_inference_wrapper"))
    expectClose(
      scaled(decoded, by: 255), nhwc(try golden.floats("out.decoded_image_255")),
      absolute: try golden.tolerance("decoded_image_255"))
  }

  @Test(arguments: [QuantizerKind.ema, .emaCosine], everyWay)
  func movingAverageCodebooksChooseAsInEvaluation(quantizer: QuantizerKind, way: ComputeOptions) throws {
    let (golden, model) = try model("vqvae-patch", quantizer, way)
    let latents = nhwc(try golden.floats("in.update_latents"))
    let recorded = "out.ema.\(quantizer == .ema ? "euclidean" : "cosine").eval_index"
    let expected = try golden.integers(recorded)
    #expect(model.codeIndices(ofLatents: latents).map(Int.init) == expected)
    // What the choice doesn't depend on, and what it does.
    #expect((model.codeIndices(ofLatents: scaled(latents, by: 3)).map(Int.init) == expected) == (quantizer == .emaCosine))
  }

  @Test func theLargestScoreIsChosen() throws {
    let (_, model) = try model("vqvae-patch", .emaCosine, ComputeOptions())
    let (width, codes) = (model.configuration.codeDimension, model.configuration.codes)
    let latents = FloatTensor((0..<6 * width).map { Float($0 * 7 % 11) - 5 }, shape: [1, 2, 3, width])
    let scores = model.scores(latents).values
    let best = (0..<6).map { row in
      scores[row * codes..<(row + 1) * codes].enumerated().max { $0.element < $1.element }.map { Int32($0.offset) }
    }
    #expect(model.codeIndices(ofLatents: latents).map(Optional.some) == best)
  }

  private func scaled(_ x: FloatTensor, by factor: Float) -> FloatTensor {
    FloatTensor(x.values.map { $0 * factor }, shape: x.shape)
  }
}
