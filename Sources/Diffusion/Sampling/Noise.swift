import Tensor

/// What a random number is for. Equal keys give equal numbers, so an image doesn't depend on the batch it is drawn in, nor
/// on threads.
package struct DrawKey: Sendable, Hashable {
  package enum Purpose: UInt32, Sendable {
    /// The token of a position.
    case token = 0
    /// The order in which positions are revealed.
    case order = 1
    /// The corruption of a given image.
    case corruption = 2
    /// Where an image begins in a fixed order of positions.
    case roll = 3
  }

  package var purpose: Purpose
  package var image: Int
  /// Evaluations of the network that the image has seen before.
  package var step: Int
  package var position: Int

  package init(_ purpose: Purpose, image: Int, step: Int, position: Int) {
    self.purpose = purpose
    self.image = image
    self.step = step
    self.position = position
  }
}

/// Where samplers take their random numbers from.
package protocol NoiseSource: Sendable {
  /// An index drawn with probability proportional to its weight; the weights need not sum to 1.
  func categorical(_ weights: UnsafeBufferPointer<Float>, key: DrawKey) -> Int

  /// A uniform number in (0, 1).
  func uniform(_ key: DrawKey) -> Double
}

/// Counter-based noise: each draw is a function of the seed and its key. Image i draws from seed + i, so that it is the first
/// image of a run with that seed.
package struct PhiloxNoise: NoiseSource {
  private let seed: UInt64

  package init(seed: UInt64) { self.seed = seed }

  /// The inverse of the cumulative sum, in double precision: no probability is too small to be drawn in its turn, as it
  /// would be with Gumbel noise in single precision.
  package func categorical(_ weights: UnsafeBufferPointer<Float>, key: DrawKey) -> Int {
    guard let base = weights.baseAddress else { preconditionFailure("a draw needs weights") }
    var rest = uniform(key) * RowMath.sum(base, count: weights.count)
    var last = 0
    for index in 0..<weights.count {
      let weight = Double(weights[index])
      if rest < weight { return index }
      if weight > 0 { last = index }
      rest -= weight
    }
    // Rounding can leave a remainder beyond the last weight.
    return last
  }

  package func uniform(_ key: DrawKey) -> Double {
    Philox(seed: seed &+ UInt64(truncatingIfNeeded: key.image)).uniform(
      SIMD4(UInt32(truncatingIfNeeded: key.step), UInt32(truncatingIfNeeded: key.position), key.purpose.rawValue, 0))
  }
}
