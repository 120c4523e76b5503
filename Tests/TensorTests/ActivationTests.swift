import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct ActivationTests {
  static let arguments: [Float] = {
    let even = (-400...400).map { Float($0) / 20 }
    let powers = (-60...20).map { Float(pow(2, Double($0) / 3)) }
    let special: [Float] = [0, -0.0, 1e-30, -1e-30, 87.3, -87.3, 88.3, -88.4, 100, 1e4, 1e30]
    return even + powers + powers.map { -$0 } + special
  }()

  @Test(arguments: Activation.allCases) func matchesTheOracle(activation: Activation) {
    let x = FloatTensor(Self.arguments, shape: [Self.arguments.count])
    expectClose(x.applying(activation), Reference.applying(activation, to: x), absolute: 1e-7, relative: 1e-6)
  }

  /// The far negative tail is small but not zero; relative accuracy there shows a wrong approximation.
  @Test func geluTailKeepsItsRelativeAccuracy() {
    let x = FloatTensor((0...40).map { -Float($0) / 5 }, shape: [41])
    expectClose(x.applying(.gelu), Reference.applying(.gelu, to: x), absolute: 0, relative: 1e-5)
  }

  @Test(arguments: Activation.allCases) func largeAndInfinite(activation: Activation) {
    let y = FloatTensor([.infinity, 3e38, -3e38, .nan, 1], shape: [5]).applying(activation)
    #expect(y[0] == .infinity && y[1] == 3e38)
    #expect(activation == .identity ? y[2] == -3e38 : y[2] == 0)
    #expect(y[3].isNaN && y[4].isFinite)
    if activation != .identity { #expect(FloatTensor([-.infinity], shape: [1]).applying(activation)[0].isNaN) }
  }

  @Test func lengthsAroundVectorsAndChunks() {
    for count in [1, 7, 17, 31, 33, 32_768, 32_769, 70_001] {
      let x = randomTensor([count], seed: 1, spread: 6)
      expectClose(x.applying(.gelu), Reference.applying(.gelu, to: x), absolute: 1e-6, relative: 1e-6, "\(count) values")
    }
  }
}
