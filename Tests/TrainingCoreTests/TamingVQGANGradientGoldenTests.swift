import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import TrainingCore
import VQVAE

/// The recorded loss and gradients of an autoencoder.
@Suite struct TamingVQGANGradientGoldenTests {
  private struct Pass {
    let latents: FloatTensor
    let images: FloatTensor
    let quantized: FloatTensor
    let quantizerLoss: Double
    let gradients: ParameterSet
  }

  /// The mean absolute error of the images plus the quantiser's loss, and its gradients.
  private func pass(_ golden: GoldenCase, _ quantizer: VectorQuantization) throws -> Pass {
    let graph = try TamingVQGANGraph(golden.params.decoded())
    let input = nhwc(try golden.floats("in.image_pm1"))
    let tape = Tape(try ParameterSet(golden.weights()))
    let latents = try graph.latents(tape, of: input)
    let codes = try tape.parameter("quantize.embedding.weight")
    let indices = try golden.tokens("out.indices")
    let (quantized, loss) = quantizer(tape, latents: latents, codes: codes, indices: indices)
    let images = try graph.images(tape, of: quantized)
    let signs = zip(images.value.values, input.values).map { ($0 > $1 ? 1 : -1) / Float(input.count) }
    let gradients = try tape.gradients(from: images, FloatTensor(signs, shape: input.shape))
    return Pass(
      latents: latents.value, images: images.value, quantized: quantized.value, quantizerLoss: loss, gradients: gradients)
  }

  @Test func recordedPassAndGradients() throws {
    let golden = try GoldenCase("training-vqvae")
    let pass = try pass(golden, VectorQuantization(beta: Float(golden.params.double("beta"))))
    expectClose(pass.latents, nhwc(try golden.floats("out.latents")), absolute: try golden.tolerance("latents"))
    expectClose(
      pass.quantized, nhwc(try golden.floats("out.quantized_straight_through")),
      absolute: try golden.tolerance("quantized_straight_through"))
    expectClose(pass.images, nhwc(try golden.floats("out.reconstruction")), absolute: try golden.tolerance("reconstruction"))
    expectClose(
      [pass.quantizerLoss], try golden.floats("out.quantizer_loss").values.map(Double.init),
      absolute: try golden.tolerance("quantizer_loss"))
    let gradients = pass.gradients
    #expect(try gradients.names.sorted() == golden.weights().names)
    for name in gradients.names {
      let values = try #require(gradients[name]).values
      if golden.tensors.shape(of: "out.grad.\(name)") != nil {
        expectClose(
          values, try golden.floats("out.grad.\(name)").values, absolute: try golden.tolerance("gradients"), name)
      } else {
        let sample = try golden.floats("out.grad_sample.\(name)").values
        var stride = values.count / 512
        if stride.isMultiple(of: 2) { stride += 1 }
        let taken = Swift.stride(from: 0, to: values.count, by: stride).map { values[$0] }
        expectClose(taken, sample, absolute: try golden.tolerance("gradients"), name)
        let sums = [7, 11].enumerated().map { index, period in
          values.enumerated().reduce(0.0) { $0 + Double($1.element) * Double($1.offset % period - (index == 0 ? 3 : 5)) }
        }
        let double = values.map(Double.init)
        let norm = double.reduce(0) { $0 + $1 * $1 }.squareRoot()
        expectClose(
          [double.reduce(0, +), norm] + sums, try golden.doubles("out.grad_summary.\(name)"),
          absolute: try golden.tolerance("gradient summaries"), name)
      }
    }
  }
}
