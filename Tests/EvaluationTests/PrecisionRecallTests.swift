import Evaluation
import TestSupport
import Testing

@Suite struct PrecisionRecallTests {
  private func distance(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
  }

  /// The share of `others` within the ball of some `centres`, by sorting all distances.
  private func slowShare(_ others: FeatureSet, in centres: FeatureSet, k: Int) -> Double {
    let radii = (0..<centres.count).map { index in
      (0..<centres.count).filter { $0 != index }.map { distance(row(centres, index), row(centres, $0)) }.sorted()[k - 1]
    }
    let inside = (0..<others.count).count { other in
      (0..<centres.count).contains { distance(row(others, other), row(centres, $0)) <= radii[$0] }
    }
    return Double(inside) / Double(others.count)
  }

  @Test(arguments: [(4, 9, 1, 1), (23, 17, 9, 3), (31, 40, 19, 3), (8, 8, 3, 7)])
  func agreesWithTheDefinition(real: Int, generated: Int, dimension: Int, k: Int) throws {
    let x = try normalSet(real, dimension: dimension, seed: 1)
    let y = try normalSet(generated, dimension: dimension, seed: 2, mean: 0.3, deviation: 0.8)
    let result = try PrecisionRecall(real: x, generated: y, neighbours: k)
    #expect(result.precision == slowShare(y, in: x, k: k) && result.recall == slowShare(x, in: y, k: k))
  }

  @Test func equalSets() throws {
    let set = try normalSet(37, dimension: 11, seed: 3)
    let result = try PrecisionRecall(real: set, generated: set)
    #expect(result.precision == 1 && result.recall == 1 && result.neighbours == 3)
  }

  @Test func setsFarApart() throws {
    let result = try PrecisionRecall(
      real: normalSet(20, dimension: 3, seed: 1), generated: normalSet(20, dimension: 3, seed: 2, mean: 100))
    #expect(result.precision == 0 && result.recall == 0)
  }

  /// One mode of two: all that is generated is good, half of what is real is missed.
  @Test func aLostMode() throws {
    let values = normals(40, seed: 4)
    let real = try FeatureSet(name: "real", values: values.enumerated().map { $1 + ($0 < 20 ? 0 : 1000) }, dimension: 2)
    let generated = try FeatureSet(name: "generated", values: Array(values[..<20]), dimension: 2)
    let result = try PrecisionRecall(real: real, generated: generated)
    #expect(result.precision == 1 && result.recall == 0.5)
  }

  /// Radii count a ball's surface, and equal images are each other's neighbours at distance 0.
  @Test func surfacesAndDuplicates() throws {
    let real = try FeatureSet(name: "real", values: [0, 1, 2], dimension: 1)
    let touching = try FeatureSet(name: "generated", values: [-1, 3.5, 3], dimension: 1)
    #expect(try PrecisionRecall(real: real, generated: touching, neighbours: 1).precision == 2.0 / 3)
    let same = try FeatureSet(name: "same", values: [5, 5, 5, 5], dimension: 1)
    #expect(try NeighbourBalls(same, neighbours: 3).radii == [0, 0, 0, 0])
    #expect(try PrecisionRecall(real: same, generated: same).precision == 1)
  }

  @Test func errors() throws {
    let set = try normalSet(9, dimension: 4, seed: 1)
    let three = try normalSet(3, dimension: 4, seed: 1, name: "three")
    #expect(
      throws: EvaluationError.tooFew(
        set: "three", measure: "precision and recall with 3 neighbours", expected: 4, found: 3)
    ) { try PrecisionRecall(real: set, generated: three) }
    for k in [0, -1, 1001, .max] {
      #expect(throws: EvaluationError.option(name: "neighbours", expected: "1…1000", found: k)) {
        try PrecisionRecall(real: set, generated: set, neighbours: k)
      }
    }
    let huge = try normalSet(9, dimension: 4, seed: 1, deviation: 1e200)
    #expect(throws: EvaluationError.overflow(measure: "a distance between features")) {
      try PrecisionRecall(real: huge, generated: huge)
    }
  }
}
