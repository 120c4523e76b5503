import Tensor
import TestSupport
import Testing

@Suite struct NormalizationTests {
  /// Centre and spread of the inputs, and the tolerance for outputs of order one. The input's own rounding is no error: both
  /// sides read the same floats.
  static let inputs: [(center: Float, spread: Float, tolerance: Double)] = [
    (0, 1, 3e-6), (1000, 1, 3e-6), (-1e4, 1, 3e-6), (0, 1e-4, 3e-6), (3, 1e4, 3e-6),
  ]

  @Test(arguments: [1, 3, 31, 33, 192, 1024], inputs)
  func layerNorm(width: Int, input: (center: Float, spread: Float, tolerance: Double)) {
    let x = randomTensor([2, 35, width], seed: 1, center: input.center, spread: input.spread)
    let (weight, bias) = (randomTensor([width], seed: 2), randomTensor([width], seed: 3))
    expectClose(
      x.layerNorm(weight: weight, bias: bias), Reference.layerNorm(x, weight: weight, bias: bias), absolute: input.tolerance)
    let modulation = randomTensor([2, 2 * width], seed: 4)
    expectClose(
      x.layerNorm(modulation: modulation), Reference.layerNorm(x, modulation: modulation), absolute: 2 * input.tolerance)
  }

  @Test(arguments: [1, 7, 64, 257, 1100], inputs)
  func instanceNorm(length: Int, input: (center: Float, spread: Float, tolerance: Double)) {
    let x = randomTensor([3, length, 33], seed: 5, center: input.center, spread: input.spread)
    let modulation = randomTensor([3, 66], seed: 6)
    expectClose(
      x.instanceNorm(modulation: modulation), Reference.instanceNorm(x, modulation: modulation), absolute: 2 * input.tolerance)
  }

  @Test(arguments: [(3, 3), (3, 1), (33, 11), (64, 32), (96, 32)], inputs)
  func groupNorm(channelsAndGroups: (Int, Int), input: (center: Float, spread: Float, tolerance: Double)) {
    let (channels, groups) = channelsAndGroups
    let (weight, bias) = (randomTensor([channels], seed: 7), randomTensor([channels], seed: 8))
    for (height, width) in [(1, 2), (5, 7), (23, 29)] {
      let x = randomTensor([2, height, width, channels], seed: 9, center: input.center, spread: input.spread)
      for activation in [Activation.identity, .silu] {
        expectClose(
          x.groupNorm(groups: groups, weight: weight, bias: bias, activation: activation),
          Reference.groupNorm(x, groups: groups, weight: weight, bias: bias, activation: activation),
          absolute: 2 * input.tolerance, "\(height)×\(width)")
      }
    }
  }

  /// Constant input has no deviation: the shift alone remains, whatever rounding does to the mean.
  @Test(arguments: [Float(0), 0.1, 1000.1, 1e9]) func constantInput(value: Float) {
    let x = FloatTensor([Float](repeating: value, count: 2 * 7 * 33), shape: [2, 7, 33])
    let (one, shift) = (FloatTensor([Float](repeating: 1, count: 33), shape: [33]), randomTensor([33], seed: 10))
    let expected = (0..<14).flatMap { _ in shift.values }
    expectClose(x.layerNorm(weight: one, bias: shift), expected, absolute: 1e-5)
    let image = x.reshaped([2, 1, 7, 33])
    expectClose(image.groupNorm(groups: 11, weight: one, bias: shift), expected, absolute: 1e-5)
  }

  @Test func nanSpoilsItsRowOrImageAlone() {
    var x = randomTensor([2, 7, 33], seed: 11)
    x[0, 3, 5] = .nan
    let (weight, bias) = (randomTensor([33], seed: 12), randomTensor([33], seed: 13))
    let rows = x.layerNorm(weight: weight, bias: bias).values
    #expect(rows.indices.allSatisfy { rows[$0].isNaN == (3 * 33..<4 * 33).contains($0) })
    let image = x.reshaped([2, 1, 7, 33]).groupNorm(groups: 1, weight: weight, bias: bias).values
    #expect(image.indices.allSatisfy { image[$0].isNaN == ($0 < 7 * 33) })
  }
}
