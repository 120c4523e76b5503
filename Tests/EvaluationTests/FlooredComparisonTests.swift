import Evaluation
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct FlooredComparisonTests {
  @Test func sizesOfTheThreeComparisons() throws {
    let real = try normalSet(41, dimension: 5, seed: 1)
    let report = try FlooredComparison(real: real, generated: normalSet(33, dimension: 5, seed: 2))
    #expect((report.all.real, report.all.generated) == (41, 33))
    #expect((report.sameSize.real, report.sameSize.generated) == (20, 20))
    #expect((report.floor.real, report.floor.generated) == (20, 20))
    let fewer = try FlooredComparison(real: real, generated: normalSet(9, dimension: 5, seed: 2))
    #expect((fewer.all.generated, fewer.sameSize.real, fewer.floor.generated) == (9, 9, 9))
    #expect(!report.floor.isRankDeficient && !fewer.all.isRankDeficient)
    let five = try FlooredComparison(real: real, generated: normalSet(5, dimension: 5, seed: 2))
    #expect(five.all.isRankDeficient && five.floor.isRankDeficient)
  }

  /// A good generator scores as real images do, a bad one worse, in every measure.
  @Test func goodAndBadGenerators() throws {
    let real = try normalSet(600, dimension: 6, seed: 1)
    let good = try FlooredComparison(real: real, generated: normalSet(300, dimension: 6, seed: 2))
    let bad = try FlooredComparison(real: real, generated: normalSet(300, dimension: 6, seed: 3, mean: 1, deviation: 0.5))
    #expect(good.sameSize.frechetDistance < 2 * good.floor.frechetDistance)
    #expect(abs(good.sameSize.kernelDistance.mean - good.floor.kernelDistance.mean) < 0.1)
    #expect(good.sameSize.neighbours.precision > 0.8 && good.sameSize.neighbours.recall > 0.8)
    #expect(bad.sameSize.frechetDistance > 10 * bad.floor.frechetDistance)
    #expect(bad.sameSize.kernelDistance.mean > 10 * abs(bad.floor.kernelDistance.mean))
    #expect(bad.sameSize.neighbours.recall < 0.5)
    // The same real images in the same halves.
    #expect(bad.floor == good.floor)
  }

  @Test func halvesAreDisjoint() throws {
    let real = try FeatureSet(name: "real", values: (0..<16).map { pow(10, Double($0)) }, dimension: 1)
    for seed in 0..<10 {
      let halves = FlooredComparison.halves(of: real, size: 8, seed: UInt64(seed))
      #expect(halves.0.count == 8 && Set(halves.0.values + halves.1.values) == Set(real.values))
    }
    let halves = FlooredComparison.halves(of: real, size: 8, seed: 0)
    #expect(FlooredComparison.halves(of: real, size: 8, seed: 1).0 != halves.0)
    #expect(Set(FlooredComparison.halves(of: real, size: 3, seed: 0).0.values).count == 3)
  }

  @Test func theSameWithAnyNumberOfThreads() throws {
    let real = try normalSet(61, dimension: 19, seed: 1)
    let generated = try normalSet(47, dimension: 19, seed: 2)
    let before = ThreadPool.shared.threadCount
    defer { ThreadPool.shared.setThreadCount(before) }
    let reports = try [1, 2, 5].map { threads in
      ThreadPool.shared.setThreadCount(threads)
      return try FlooredComparison(real: real, generated: generated)
    }
    #expect(reports[0] == reports[1] && reports[0] == reports[2])
  }

  @Test func errors() throws {
    let real = try normalSet(8, dimension: 4, seed: 1, name: "real")
    let seven = try normalSet(7, dimension: 4, seed: 1, name: "seven")
    let three = try normalSet(3, dimension: 4, seed: 1, name: "three")
    _ = try FlooredComparison(real: real, generated: real)
    #expect(
      throws: EvaluationError.tooFew(
        set: "seven", measure: "these settings and a floor from halves", expected: 8, found: 7)
    ) { try FlooredComparison(real: seven, generated: real) }
    #expect(throws: EvaluationError.tooFew(set: "three", measure: "these settings", expected: 4, found: 3)) {
      try FlooredComparison(real: real, generated: three)
    }
    #expect(throws: EvaluationError.tooFew(set: "real", measure: "these settings", expected: 11, found: 8)) {
      try FlooredComparison(real: real, generated: real, .init(neighbours: 10))
    }
    let wide = try normalSet(8, dimension: 5, seed: 1, name: "wide")
    #expect(throws: EvaluationError.differingDimensions(first: "real", expected: 4, second: "wide", found: 5)) {
      try FlooredComparison(real: real, generated: wide)
    }
    #expect(throws: EvaluationError.option(name: "neighbours", expected: "1…1000", found: .max)) {
      try FlooredComparison(real: real, generated: real, .init(neighbours: .max))
    }
    #expect(throws: EvaluationError.option(name: "subset size", expected: "2…100000", found: .max)) {
      try FlooredComparison(real: real, generated: real, .init(kernel: .init(subsetSize: .max)))
    }
  }

  @Test func featuresThatAreNone() {
    let error = EvaluationError.notFinite(set: "a", row: 1, column: 2, found: .infinity)
    #expect(throws: error) { try FeatureSet(name: "a", values: [1, 2, 3, 4, 5, .infinity], dimension: 3) }
    #expect(error.description == "a: expected finite features, found inf in row 1, column 2")
    #expect(throws: EvaluationError.self) { try FeatureSet(name: "a", values: [.nan], dimension: 1) }
    #expect(throws: EvaluationError.noDimension(set: "a")) { try FeatureSet(name: "a", values: [], dimension: 0) }
    #expect(throws: EvaluationError.tooFew(set: "a", measure: "a covariance", expected: 2, found: 1)) {
      try Moments(FeatureSet(name: "a", values: [1, 2], dimension: 2))
    }
  }
}
