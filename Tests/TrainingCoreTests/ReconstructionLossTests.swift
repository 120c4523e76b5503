import Foundation
import Tensor
import TestSupport
import Testing
import TrainingCore

@Suite struct ReconstructionLossTests {
  private let factors = ReconstructionFactors(absolute: 0.7, squared: 1.3, difference: 0.4)

  private func images(_ shape: [Int], seed: UInt64) -> FloatTensor {
    let philox = Philox(seed: seed)
    return FloatTensor(
      (0..<shape.reduce(1, *)).map { Float(2 * philox.uniform(SIMD4(UInt32($0), 0, 0, 0)) - 1) }, shape: shape)
  }

  /// Written from the formula, in double precision.
  private func oracle(_ x: [Double], _ y: FloatTensor) -> Double {
    let shape = y.shape
    let (rows, columns, channels) = (shape[1], shape[2], shape[3])
    func place(_ b: Int, _ i: Int, _ j: Int, _ c: Int) -> Int { ((b * rows + i) * columns + j) * channels + c }
    var sum = 0.0
    for b in 0..<shape[0] {
      for i in 0..<rows {
        for j in 0..<columns {
          for c in 0..<channels {
            func d(_ i: Int, _ j: Int) -> Double { x[place(b, i, j, c)] - Double(y.values[place(b, i, j, c)]) }
            sum += 0.7 * abs(d(i, j)) + 1.3 * d(i, j) * d(i, j)
            if i + 1 < rows { sum += 0.4 * abs(d(i + 1, j) - d(i, j)) }
            if j + 1 < columns { sum += 0.4 * abs(d(i, j + 1) - d(i, j)) }
          }
        }
      }
    }
    return sum / Double(x.count)
  }

  @Test(arguments: [[2, 5, 3, 3], [1, 1, 4, 3], [3, 2, 1, 3]]) func valueAndGradient(shape: [Int]) throws {
    let (x, y) = (images(shape, seed: 1), images(shape, seed: 2))
    let loss = ReconstructionLoss(x, target: y, factors: factors)
    let values = x.values.map(Double.init)
    expectClose([loss.loss], [oracle(values, y)], absolute: 1e-6)
    // Exact as long as no difference changes its sign within a step.
    let step = 1e-6
    let slopes = values.indices.map { index in
      var (up, down) = (values, values)
      up[index] += step
      down[index] -= step
      return (oracle(up, y) - oracle(down, y)) / (2 * step)
    }
    expectClose(loss.gradient, slopes, absolute: 1e-6)
  }

  @Test func equalImagesHaveNoLossAndNoGradient() {
    let x = images([2, 3, 3, 3], seed: 4)
    let loss = ReconstructionLoss(x, target: x, factors: factors)
    #expect(loss.loss == 0)
    #expect(loss.gradient.values.allSatisfy { $0 == 0 })
  }

  /// Half a step of 255 everywhere, in −1…1.
  @Test func peakSignalToNoiseOfAKnownError() {
    let y = images([1, 4, 4, 3], seed: 5)
    let x = FloatTensor(y.values.map { $0 + 1 / 255 }, shape: y.shape)
    let loss = ReconstructionLoss(x, target: y, factors: factors)
    expectClose([loss.peakSignalToNoise], [20 * log10(510.0)], absolute: 1e-3)
  }
}
