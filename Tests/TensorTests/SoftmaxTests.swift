import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct SoftmaxTests {
  static let widths = [1, 2, 7, 16, 17, 31, 64, 257, 974]

  @Test(arguments: widths, [Float(1), 30]) func matchesTheOracle(width: Int, spread: Float) {
    let x = randomTensor([3, 67, width], seed: 1, spread: spread)
    expectClose(x.softmax(), Reference.softmax(x), absolute: 1e-7, relative: 3e-6)
    expectClose(x.softmax(scale: 0.125), Reference.softmax(x, scale: 0.125), absolute: 1e-7, relative: 3e-6)
    expectClose(x.logSoftmax(), Reference.logSoftmax(x), absolute: 2e-6, relative: 1e-6)
  }

  /// Logits of tokens that must not be drawn are -70 after truncation, -1e30 or -inf where masked.
  @Test(arguments: [-70, -1e30, -Float.infinity]) func excludedEntries(excluded: Float) {
    var values = randomTensor([33], seed: 2).values
    for index in [0, 5, 16, 31, 32] { values[index] = excluded }
    let x = FloatTensor(values, shape: [1, 33])
    expectClose(x.softmax(), Reference.softmax(x), absolute: 1e-8, relative: 2e-6)
    expectClose(x.logSoftmax(), Reference.logSoftmax(x), absolute: 2e-6, relative: 1e-6)
    #expect(x.softmax().values.allSatisfy { $0 >= 0 })
  }

  @Test func hugeEntriesDontOverflow() {
    let x = FloatTensor([1e30, 0, -1e30, 1e30, 3e38, 3e38, 3e38, 3e38], shape: [2, 4])
    expectClose(x.softmax(), [0.5, 0, 0, 0.5, 0.25, 0.25, 0.25, 0.25], absolute: 1e-7)
    expectClose(x.logSoftmax().slice(1..<2), [Double](repeating: -log(4), count: 4), absolute: 1e-6)
  }

  @Test(arguments: widths) func constantRowsAreUniform(width: Int) {
    let x = FloatTensor([Float](repeating: -1234.5, count: 2 * width), shape: [2, width])
    expectClose(x.logSoftmax(), [Double](repeating: -log(Double(width)), count: 2 * width), absolute: 1e-6)
    expectClose(x.softmax(), [Double](repeating: 1 / Double(width), count: 2 * width), absolute: 0, relative: 1e-6)
  }

  @Test(arguments: [0, 1, 16, 32]) func nanSpoilsItsRowAlone(position: Int) {
    var x = randomTensor([2, 33], seed: 3)
    x[0, position] = .nan
    for y in [x.softmax(), x.logSoftmax()] {
      #expect(y.slice(0..<1).values.allSatisfy { $0.isNaN })
      #expect(y.slice(1..<2).values.allSatisfy { $0.isFinite })
    }
  }
}
