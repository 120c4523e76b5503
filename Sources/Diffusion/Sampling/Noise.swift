import Tensor

/// Name of a random number. Equal keys give equal numbers, so an image depends neither on its batch nor on threads.
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

/// Source of the samplers' random numbers.
package protocol NoiseSource: Sendable {
  /// Draws an index i with probability law[i] / Σ law; the law needn't sum to 1.
  func categorical(_ law: UnsafeBufferPointer<Float>, key: DrawKey) -> Int

  /// A uniform number in (0, 1).
  func uniform(_ key: DrawKey) -> Double
}

/// Counter-based noise: each draw is a function of the seed and its key. Image i draws from seed + i, so it equals the first
/// image of a run with that seed.
package struct PhiloxNoise: NoiseSource {
  private let seed: UInt64

  package init(seed: UInt64) { self.seed = seed }

  /// Inverts the cumulative sum in double precision, so that tiny probabilities are drawn as often as they should be. Gumbel
  /// noise in single precision would starve them.
  package func categorical(_ law: UnsafeBufferPointer<Float>, key: DrawKey) -> Int {
    guard let base = law.baseAddress else { preconditionFailure("a draw needs probabilities") }
    var rest = uniform(key) * RowMath.sum(base, count: law.count)
    var last = 0
    for index in 0..<law.count {
      let probability = Double(law[index])
      if rest < probability { return index }
      if probability > 0 { last = index }
      rest -= probability
    }
    // Rounding can leave a remainder beyond the last index.
    return last
  }

  package func uniform(_ key: DrawKey) -> Double {
    Philox(seed: seed &+ UInt64(truncatingIfNeeded: key.image)).uniform(
      SIMD4(UInt32(truncatingIfNeeded: key.step), UInt32(truncatingIfNeeded: key.position), key.purpose.rawValue, 0))
  }
}
