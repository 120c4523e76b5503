import Evaluation
import TestSupport
import Testing

@Suite struct KernelDistanceTests {
  /// The estimator pair by pair.
  private func slow(_ x: FeatureSet, _ y: FeatureSet) -> Double {
    func kernel(_ a: [Double], _ b: [Double]) -> Double {
      let base = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / Double(a.count) + 1
      return base * base * base
    }
    let m = x.count
    var (within, across) = (0.0, 0.0)
    for i in 0..<m {
      for j in 0..<m {
        if i != j { within += kernel(row(x, i), row(x, j)) + kernel(row(y, i), row(y, j)) }
        across += kernel(row(x, i), row(y, j))
      }
    }
    return within / Double(m * (m - 1)) - 2 * across / Double(m * m)
  }

  @Test(arguments: [(2, 1), (3, 5), (17, 13), (40, 7)]) func agreesWithTheSumOverPairs(count: Int, dimension: Int) throws {
    let x = try normalSet(count, dimension: dimension, seed: 1)
    let y = try normalSet(count, dimension: dimension, seed: 2, mean: 0.4, deviation: 1.3)
    expectClose([KernelDistance.estimate(x, y)], [slow(x, y)], absolute: 1e-12, relative: 1e-12)
  }

  /// One dimension, m = 2: k(0, 1) = 1, k(2, 3) = 343, and across 1, 1, 27, 64.
  @Test func byHand() throws {
    let x = try FeatureSet(name: "x", values: [0, 1], dimension: 1)
    let y = try FeatureSet(name: "y", values: [2, 3], dimension: 1)
    expectClose([KernelDistance.estimate(x, y)], [1 + 343 - 2 * (1 + 1 + 27 + 64) / 4.0], absolute: 1e-12)
  }

  /// Over 400 independent pairs of sets of one law the mean is 0 within four of its standard errors.
  @Test func isUnbiased() throws {
    let pairs = 400
    let estimates = try (0..<pairs).map { pair in
      KernelDistance.estimate(
        try normalSet(12, dimension: 6, seed: UInt64(2 * pair), mean: 0.2),
        try normalSet(12, dimension: 6, seed: UInt64(2 * pair + 1), mean: 0.2))
    }
    let mean = estimates.reduce(0, +) / Double(pairs)
    let variance = estimates.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(pairs - 1)
    #expect(abs(mean) < 4 * (variance / Double(pairs)).squareRoot())
    #expect(variance > 0)
  }

  @Test func growsWithTheDifference() throws {
    let real = try normalSet(200, dimension: 8, seed: 1)
    let distances = try [0, 0.2, 0.5].map { shift in
      try KernelDistance(real, normalSet(200, dimension: 8, seed: 9, mean: shift)).mean
    }
    #expect(distances[0] < distances[1] && distances[1] < distances[2])
    #expect(abs(distances[0]) < distances[1] / 2)
  }

  /// A subset that is the whole set has one value only.
  @Test func wholeSetsHaveNoSpread() throws {
    let x = try normalSet(9, dimension: 4, seed: 1)
    let y = try normalSet(9, dimension: 4, seed: 2, mean: 1)
    let distance = try KernelDistance(x, y, .init(subsets: 5, subsetSize: 9, seed: 3))
    expectClose([distance.mean], [slow(x, y)], absolute: 1e-11)
    expectClose([distance.standardDeviation], [0], absolute: 1e-11)
  }

  @Test func subsetsFollowFromTheSeed() throws {
    let x = try normalSet(50, dimension: 4, seed: 1)
    let y = try normalSet(31, dimension: 4, seed: 2)
    let first = try KernelDistance(x, y, .init(subsets: 20, seed: 7))
    #expect(first.subsetSize == 15 && first.subsets == 20 && first.standardDeviation > 0)
    #expect(try KernelDistance(x, y, .init(subsets: 20, seed: 7)) == first)
    #expect(try KernelDistance(x, y, .init(subsets: 20, seed: 8)).mean != first.mean)
  }

  @Test func errors() throws {
    let set = try normalSet(9, dimension: 4, seed: 1)
    let three = try normalSet(3, dimension: 4, seed: 1, name: "three")
    #expect(throws: EvaluationError.tooFew(set: "three", measure: "the kernel distance", expected: 4, found: 3)) {
      try KernelDistance(set, three)
    }
    #expect(throws: EvaluationError.subsetTooLarge(expected: 3, found: 4)) {
      try KernelDistance(set, three, .init(subsetSize: 4))
    }
    #expect(throws: EvaluationError.option(name: "subsets", expected: "2…100000", found: 1)) {
      try KernelDistance(set, set, .init(subsets: 1))
    }
    #expect(throws: EvaluationError.option(name: "subset size", expected: "2…100000", found: 1)) {
      try KernelDistance(set, set, .init(subsetSize: 1))
    }
    let huge = try normalSet(9, dimension: 4, seed: 1, deviation: 1e150)
    #expect(throws: EvaluationError.overflow(measure: "the kernel distance")) { try KernelDistance(huge, huge) }
  }
}
