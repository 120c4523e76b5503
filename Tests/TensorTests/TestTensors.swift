import Tensor
import Testing

/// Uniform numbers in center ± spread, the same for the same seed.
func randomTensor(_ shape: [Int], seed: UInt64, center: Float = 0, spread: Float = 1) -> FloatTensor {
  let philox = Philox(seed: seed)
  let values = (0..<shape.reduce(1, *)).map { index in
    center + spread * Float(2 * philox.uniform(SIMD4(UInt32(index), 0, 0, 0)) - 1)
  }
  return FloatTensor(values, shape: shape)
}

extension FloatTensor {
  /// The part of the first dimension in `range`.
  func slice(_ range: Range<Int>) -> FloatTensor {
    let size = shape.dropFirst().reduce(1, *)
    return FloatTensor(
      Array(values[range.lowerBound * size..<range.upperBound * size]), shape: [range.count] + shape.dropFirst())
  }
}

/// Expects every element of `actual` to have the bits of `expected`.
func expectSameBits(
  _ actual: FloatTensor, _ expected: FloatTensor, _ comment: @autoclosure () -> String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let (found, wanted) = (actual.values, expected.values)
  guard actual.shape == expected.shape else {
    Issue.record("\(comment()): shape \(actual.shape), expected \(expected.shape)", sourceLocation: sourceLocation)
    return
  }
  let differing = found.indices.filter { found[$0].bitPattern != wanted[$0].bitPattern }
  guard let first = differing.first else { return }
  Issue.record(
    "\(comment()): \(differing.count) of \(found.count) elements differ, first \(first): \(found[first]), expected \(wanted[first])",
    sourceLocation: sourceLocation)
}

/// The tests that set the number of threads of the shared pool: one after another, and each restores it.
@Suite(.serialized) enum SharedPoolTests {
  static func withThreads<R>(_ count: Int, _ body: () throws -> R) rethrows -> R {
    let before = ThreadPool.shared.threadCount
    ThreadPool.shared.setThreadCount(count)
    defer { ThreadPool.shared.setThreadCount(before) }
    return try body()
  }
}
