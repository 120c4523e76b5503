import Evaluation
import TestSupport
import Testing

/// The recorded case: SciPy's matrix root, NumPy's covariance, brute-force neighbours.
@Suite struct MetricsGoldenTests {
  private let golden: GoldenCase
  private let real, generated, few: FeatureSet

  init() throws {
    let golden = try GoldenCase("metrics")
    let dimension = try golden.params.int("dimension")
    func set(_ name: String) throws -> FeatureSet {
      try FeatureSet(name: name, values: golden.doubles("in.features_\(name)"), dimension: dimension)
    }
    self.golden = golden
    (real, generated, few) = (try set("real"), try set("generated"), try set("few"))
  }

  private func scalar(_ name: String) throws -> Double { try #require(golden.doubles(name).first) }

  @Test func moments() throws {
    let tolerance = try golden.tolerance("covariance and means")
    for (set, name) in [(real, "real"), (generated, "generated")] {
      let moments = try Moments(set)
      expectClose(moments.mean, try golden.doubles("out.mean_\(name)"), absolute: tolerance)
      expectClose(moments.covariance.values, try golden.doubles("out.covariance_\(name)"), absolute: tolerance)
    }
  }

  @Test func frechetDistance() throws {
    let tolerance = try golden.tolerance("frechet")
    let distance = try FrechetDistance.between(real, generated)
    expectClose([distance], [try scalar("out.frechet")], absolute: tolerance)
    expectClose([distance], [try scalar("out.frechet_by_eigenvalues")], absolute: tolerance)
    expectClose([try FrechetDistance.between(real, real)], [0], absolute: tolerance)
  }

  /// The recorded value has the roots of all eigenvalues of Σ₁^½ Σ₂ Σ₁^½, which is singular here: those that should be zero are
  /// rounding noise below ε ‖Σ₁‖ ‖Σ₂‖. `FrechetTests.fewerImagesThanDimensions` has the exact comparison.
  @Test func frechetDistanceOfFewImages() throws {
    let norms = try [few, generated].map { try Moments($0).covariance.values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let missingRank = max(0, few.dimension - few.count + 1)
    let noise = 2 * Double(missingRank) * (Double.ulpOfOne * norms[0] * norms[1]).squareRoot()
    expectClose(
      [try FrechetDistance.between(few, generated)], [try scalar("out.frechet_few_by_eigenvalues")],
      absolute: try golden.tolerance("frechet") + noise)
  }

  @Test func precisionAndRecall() throws {
    let k = try golden.params.int("k")
    let result = try PrecisionRecall(real: real, generated: generated, neighbours: k)
    #expect(result.precision == (try scalar("out.precision")))
    #expect(result.recall == (try scalar("out.recall")))
    for (set, name) in [(real, "real"), (generated, "generated")] {
      let radii = try NeighbourBalls(set, neighbours: k).radii
      expectClose(radii, try golden.doubles("out.radius_\(name)"), absolute: try golden.tolerance("covariance and means"))
    }
  }

  @Test func codeUsage() throws {
    let usage = try CodeUsage(histogram: golden.integers("in.histogram"))
    expectClose([usage.perplexity], [try scalar("out.perplexity")], absolute: try golden.tolerance("perplexity"))
    #expect(usage.share == (try scalar("out.used_fraction")))
  }
}
