import Foundation
import Tensor
import Testing

@Suite struct RowMathTests {
  private func row(_ count: Int) -> [Float] {
    let philox = Philox(seed: 12)
    return (0..<count).map { Float(6 * philox.uniform(SIMD4(UInt32($0), 0, 0, 0)) - 3) }
  }

  @Test(arguments: [1, 2, 3, 4, 7, 8, 9, 31, 33]) func agreesWithPlainLoops(count: Int) {
    let x = row(count)
    #expect(abs(RowMath.sum(x, count: count) - x.reduce(0) { $0 + Double($1) }) < 1e-12)
    #expect(RowMath.maximum(x, count: count) == x.max())
    let negative = x.map { $0 - 10 }
    #expect(RowMath.maximum(negative, count: count) == negative.max())
    var y = x
    RowMath.exp(x, into: &y, count: count)
    #expect(zip(x, y).allSatisfy { abs($1 - exp($0)) <= 1e-6 * exp($0) })
    let total = x.reduce(0.0) { $0 + exp(Double($1)) }
    RowMath.logSoftmax(x, into: &y, count: count)
    #expect(zip(x, y).allSatisfy { abs(Double($1) - (Double($0) - log(total))) < 2e-6 })
  }

  @Test(arguments: [1, 5, 8, 17]) func findsWhatIsNotFinite(count: Int) {
    #expect(RowMath.isFinite(row(count), count: count))
    for position in 0..<count {
      for bad in [Float.nan, .infinity, -.infinity] {
        var x = row(count)
        x[position] = bad
        #expect(!RowMath.isFinite(x, count: count))
      }
    }
  }
}
