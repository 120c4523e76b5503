import Tensor
import TestSupport
import Testing

@Suite struct ConvolutionTests {
  /// Batch, height, width, channels in and out.
  static let sizes = [
    (1, 1, 1, 3, 5), (1, 2, 2, 33, 3), (2, 5, 7, 3, 33), (1, 1, 9, 33, 16), (1, 9, 1, 4, 17), (3, 11, 13, 17, 31),
    (1, 8, 8, 129, 8),
  ]

  @Test(arguments: [Convolution.Kind.pointwise, .same, .downsampling], sizes)
  func matchesTheOracle(kind: Convolution.Kind, size: (batch: Int, height: Int, width: Int, inputs: Int, outputs: Int)) {
    if kind == .downsampling && min(size.height, size.width) < 2 { return }
    let window = kind == .pointwise ? 1 : 3
    let x = randomTensor([size.batch, size.height, size.width, size.inputs], seed: 1)
    let weight = randomTensor([size.outputs, size.inputs, window, window], seed: 2)
    let bias = randomTensor([size.outputs], seed: 3)
    let layer = Convolution(weight: weight, bias: bias, kind: kind)
    let expected = Reference.convolution(x, weight: weight, bias: bias, kind: kind, activation: .silu)
    expectClose(layer(x, activation: .silu), expected, absolute: 4e-5, relative: 1e-6)
    let output = layer.outputSize(height: size.height, width: size.width)
    #expect([size.batch, output.height, output.width, layer.outputChannels] == expected.shape)

    let residual = randomTensor(expected.shape, seed: 4)
    var sum = residual
    layer.add(x, to: &sum)
    expectClose(
      sum, Reference.convolution(x, weight: weight, bias: bias, kind: kind, residual: residual), absolute: 4e-5, "added")
  }

  /// Odd sizes, with tiles that hang over, and more tiles than a block; F(4×4) rounds some ten times more than the others.
  @Test(arguments: everyWay, sizes + [(2, 9, 14, 40, 24), (1, 66, 67, 64, 48), (3, 6, 5, 8, 160)])
  func everyAlgorithmMatchesTheOracle(
    way: ComputeOptions, size: (batch: Int, height: Int, width: Int, inputs: Int, outputs: Int)
  ) {
    let x = randomTensor([size.batch, size.height, size.width, size.inputs], seed: 1)
    let weight = randomTensor([size.outputs, size.inputs, 3, 3], seed: 2)
    let bias = randomTensor([size.outputs], seed: 3)
    let layer = Convolution(weight: weight, bias: bias, kind: .same, options: way)
    let tolerance = 4e-6 * Double(size.inputs).squareRoot() * (way.convolution == .winograd4 || way.convolution == nil ? 8 : 1)
    let expected = Reference.convolution(x, weight: weight, bias: bias, kind: .same)
    expectClose(layer(x), expected, absolute: tolerance, relative: 1e-6)
    let activated = Reference.convolution(x, weight: weight, bias: bias, kind: .same, activation: .quickGELU)
    expectClose(layer(x, activation: .quickGELU), activated, absolute: tolerance, relative: 1e-6, "activated")
    let residual = randomTensor(expected.shape, seed: 4)
    var sum = residual
    layer.add(x, to: &sum)
    expectClose(
      sum, Reference.convolution(x, weight: weight, bias: bias, kind: .same, residual: residual), absolute: tolerance, "added")
  }

  /// Which taps meet the border: with an image and weights of ones, the result counts the pixels inside the window.
  @Test func bordersCountTheirPixels() {
    let image = FloatTensor([Float](repeating: 1, count: 16), shape: [1, 4, 4, 1])
    let weight = FloatTensor([Float](repeating: 1, count: 9), shape: [1, 1, 3, 3])
    #expect(
      Convolution(weight: weight, bias: nil, kind: .same)(image).values == [4, 6, 6, 4, 6, 9, 9, 6, 6, 9, 9, 6, 4, 6, 6, 4])
    #expect(Convolution(weight: weight, bias: nil, kind: .downsampling)(image).values == [9, 6, 6, 4])
  }

  @Test(arguments: [(1, 1, 1, 1), (2, 3, 5, 3), (1, 7, 4, 33)])
  func upsampling(batch: Int, height: Int, width: Int, channels: Int) {
    let x = randomTensor([batch, height, width, channels], seed: 5)
    expectSameBits(x.upsampledNearest(), Reference.upsampledNearest(x), "upsampled")
  }
}
