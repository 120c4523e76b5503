import Tensor

/// Random numbers of training: each a function of the seed, what it is for, the iteration and its number there, so that an
/// interrupted run goes on with the same ones.
package struct TrainingNoise: Sendable {
  /// Values stay as they are: saved runs depend on them. They begin above those that sampling uses.
  package enum Purpose: UInt32, Sendable {
    case timestep = 1000
    case codeRestart = 1001
    case clusterSample = 1002
    case clusterSeed = 1003
    case epochShuffle = 1004
    case flip = 1005
    case crop = 1006
    case labelDropout = 1007
    case initialParameter = 1008
  }

  private let philox: Philox

  package init(seed: UInt64) { philox = Philox(seed: seed) }

  /// A uniform number strictly between 0 and 1.
  package func uniform(_ purpose: Purpose, iteration: Int, number: Int) -> Double {
    philox.uniform(
      SIMD4(
        UInt32(truncatingIfNeeded: iteration), UInt32(truncatingIfNeeded: iteration >> 32), UInt32(truncatingIfNeeded: number),
        purpose.rawValue))
  }

  /// `size` different indices in 0..<count, in random order: the first steps of Fisher and Yates' shuffle, of which only the
  /// moved indices are kept.
  package func subset(_ size: Int, of count: Int, _ purpose: Purpose, iteration: Int) -> [Int] {
    precondition(size <= count, "\(size) of \(count)")
    var moved: [Int: Int] = [:]
    return (0..<size).map { place in
      let offset = Int(uniform(purpose, iteration: iteration, number: place) * Double(count - place))
      // A product may round up to the bound itself.
      let other = min(place + offset, count - 1)
      defer { moved[other] = moved[place] ?? place }
      return moved[other] ?? other
    }
  }

  /// An index drawn with probability proportional to weights ≥ 0, by inversion of their cumulative sum; the last of weight above
  /// 0 where rounding leads beyond all, nil where no weight is above 0.
  package static func index(for uniform: Double, cumulative: [Double]) -> Int? {
    guard let total = cumulative.last, total > 0 else { return nil }
    let target = uniform * total
    var (low, high) = (0, cumulative.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] > target { high = middle } else { low = middle + 1 }
    }
    while low > 0, cumulative[low] == cumulative[low - 1] { low -= 1 }
    return low
  }
}
