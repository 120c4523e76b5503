import Tensor
import TestSupport
import Testing

/// Expects `found` to be the gradient at `x` of the loss Σ seed · function(x), by differences of fourth order.
///
/// - Parameter function: from the slow oracles, whose sums are in double precision: with inputs and outputs of order one the
///   differences are then good to 1e-5 or so.
func expectGradient(
  _ found: FloatTensor, at x: FloatTensor, seed: FloatTensor, step: Float = 0.03, relative: Double = 3e-4,
  _ comment: String = "", sourceLocation: SourceLocation = #_sourceLocation, of function: (FloatTensor) -> FloatTensor
) {
  let factors = seed.elements
  func loss(_ index: Int, _ offset: Float) -> (loss: Double, place: Double) {
    var values = x.values
    values[index] += offset
    let outputs = function(FloatTensor(values, shape: x.shape)).elements
    return (zip(outputs, factors).reduce(0) { $0 + $1.0 * $1.1 }, Double(values[index]))
  }
  func slope(_ index: Int, _ step: Float) -> Double {
    let (after, before) = (loss(index, step), loss(index, -step))
    return (after.loss - before.loss) / (after.place - before.place)
  }
  let expected = (0..<x.count).map { (4 * slope($0, step) - slope($0, 2 * step)) / 3 }
  let largest = expected.reduce(0) { max($0, abs($1)) }
  #expect(largest > 0 && found.shape == x.shape, "\(comment)", sourceLocation: sourceLocation)
  expectClose(found.values, expected, absolute: relative * largest, comment, sourceLocation: sourceLocation)
}

/// Expects a value and all gradients to have the same bits with 1, 2 and 5 threads.
func expectSameOnAnyThreads(
  _ comment: String, sourceLocation: SourceLocation = #_sourceLocation, _ results: () -> [FloatTensor]
) {
  let expected = SharedPoolTests.withThreads(1, results)
  for threads in [2, 5] {
    for (index, pair) in zip(SharedPoolTests.withThreads(threads, results), expected).enumerated() {
      expectSameBits(pair.0, pair.1, "\(comment), result \(index), \(threads) threads", sourceLocation: sourceLocation)
    }
  }
}
