import Tensor

/// Random subsets, each a function of the seed and what it is for.
struct RandomSubset {
  enum Purpose: UInt32 {
    /// The members of a kernel distance's subset from the first set.
    case first = 0
    /// The same from the second set.
    case second = 1
    /// The halves of the real set.
    case halves = 2
    /// The generated images that are as many as a half of the real ones.
    case matched = 3
  }

  let seed: UInt64

  /// `size` different indices in 0..<count, in random order: the first steps of Fisher and Yates' shuffle.
  ///
  /// - Parameter number: tells apart subsets for one purpose.
  func indices(_ size: Int, of count: Int, for purpose: Purpose, number: Int = 0) -> [Int] {
    precondition(size <= count, "\(size) of \(count)")
    let philox = Philox(seed: seed)
    var indices = Array(0..<count)
    for place in 0..<size {
      let counter = SIMD4(UInt32(truncatingIfNeeded: place), UInt32(truncatingIfNeeded: number), purpose.rawValue, 0)
      // A product may round up to the bound itself.
      let offset = min(Int(philox.uniform(counter) * Double(count - place)), count - place - 1)
      indices.swapAt(place, place + offset)
    }
    return Array(indices[..<size])
  }
}
