import Evaluation
import TestSupport
import Testing

@Suite struct FrechetTests {
  /// Moments of a law with independent components.
  private func moments(mean: [Double], variances: [Double]) -> Moments {
    var covariance = SquareMatrix(zeros: variances.count)
    for (index, variance) in variances.enumerated() { covariance.values[index * (variances.count + 1)] = variance }
    return Moments(mean: mean, covariance: covariance)
  }

  /// Of commuting covariances: |μ₁ − μ₂|² + Σ (σ₁ − σ₂)².
  @Test func independentComponents() throws {
    let first = moments(mean: [1, -2, 0], variances: [4, 9, 0])
    let second = moments(mean: [3, 1, 0.5], variances: [1, 16, 0.25])
    expectClose([try FrechetDistance.between(first, second)], [4 + 9 + 0.25 + 1 + 1 + 0.25], absolute: 1e-12)
  }

  /// Σ₁ = R diag(4, 1) Rᵀ with R a turn by 45°, Σ₂ = diag(4, 1): by Cayley and Hamilton tr (Σ₁Σ₂)^½ of 2×2 matrices is
  /// (tr Σ₁Σ₂ + 2 √(det Σ₁ det Σ₂))^½.
  @Test func covariancesThatDoNotCommute() throws {
    let first = Moments(mean: [0, 0], covariance: SquareMatrix(size: 2, values: [2.5, 1.5, 1.5, 2.5]))
    let second = moments(mean: [0, 0], variances: [4, 1])
    let traceOfProduct = 2.5 * 4 + 2.5 * 1
    let expected = 5 + 5 - 2 * (traceOfProduct + 2 * (4.0 * 4.0).squareRoot()).squareRoot()
    expectClose([try FrechetDistance.between(first, second)], [expected], absolute: 1e-12)
    expectClose([try FrechetDistance.between(second, first)], [expected], absolute: 1e-12)
  }

  /// Large samples of two normal laws come near the laws' own distance.
  @Test func samplesOfTwoLaws() throws {
    let first = try normalSet(20_000, dimension: 5, seed: 1)
    let second = try normalSet(20_000, dimension: 5, seed: 2, mean: 0.5, deviation: 1.5)
    expectClose([try FrechetDistance.between(first, second)], [5 * 0.25 + 5 * 0.25], absolute: 0.08)
  }

  /// With X̃ = (X − μ)/√(N − 1), tr (Σ₁Σ₂)^½ is the sum of the singular values of X̃₁ X̃₂ᵀ, an N₁×N₂ matrix: no covariance, so no
  /// loss by its missing rank.
  @Test(arguments: [(2, 7, 5), (13, 11, 16), (4, 40, 17), (40, 40, 3), (5, 5, 1)])
  func fewerImagesThanDimensions(count1: Int, count2: Int, dimension: Int) throws {
    let first = try normalSet(count1, dimension: dimension, seed: 3)
    let second = try normalSet(count2, dimension: dimension, seed: 4, mean: 0.3, deviation: 2)
    let (x, y) = (Centred(first), Centred(second))
    // Square, with rows and columns of zeros.
    let size = max(count1, count2)
    var products = SquareMatrix(zeros: size)
    for i in 0..<count1 {
      for j in 0..<count2 { products.values[i * size + j] = zip(x.rows[i], y.rows[j]).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    let meanTerm = zip(x.mean, y.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let expected = meanTerm + x.squares + y.squares - 2 * (try products.singularValues().reduce(0, +))
    expectClose([try FrechetDistance.between(first, second)], [expected], absolute: 1e-10)
  }

  @Test(arguments: [(3, 64), (64, 64), (200, 33)]) func equalSetsAreAtDistanceZero(count: Int, dimension: Int) throws {
    let set = try normalSet(count, dimension: dimension, seed: 5, mean: 3, deviation: 10)
    let distance = try FrechetDistance.between(set, set)
    #expect(distance >= 0 && distance < 1e-8)
  }

  @Test func aConstantColumnIsNoHindrance() throws {
    var values = normals(60, seed: 6)
    for row in 0..<20 { values[row * 3 + 1] = 7 }
    let set = try FeatureSet(name: "constant", values: values, dimension: 3)
    expectClose([try FrechetDistance.between(set, set)], [0], absolute: 1e-12)
  }

  /// D² numbers are too many long before D are.
  @Test func dimensionsAreBounded() throws {
    let limit = FeatureSet.largestDimension
    #expect(try FeatureSet(name: "wide", values: [Double](repeating: 1, count: limit), dimension: limit).dimension == limit)
    let error = try #require(throws: EvaluationError.self) {
      try FeatureSet(name: "raw", values: [Double](repeating: 1, count: limit + 1), dimension: limit + 1)
    }
    #expect(error == .dimensionTooLarge(set: "raw", expected: 8192, found: 8193))
    #expect(error.description == "raw: expected features of dimension at most 8192, found 8193")
  }

  private struct Centred {
    let mean: [Double]
    let rows: [[Double]]
    var squares: Double { rows.joined().reduce(0) { $0 + $1 * $1 } }

    init(_ set: FeatureSet) {
      let count = Double(set.count)
      let mean = (0..<set.dimension).map { column in
        (0..<set.count).reduce(0) { $0 + row(set, $1)[column] } / count
      }
      rows = (0..<set.count).map { index in
        zip(row(set, index), mean).map { ($0 - $1) / (count - 1).squareRoot() }
      }
      self.mean = mean
    }
  }
}
