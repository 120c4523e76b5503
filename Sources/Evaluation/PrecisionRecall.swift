import Tensor

/// Improved precision and recall (Kynkäänniemi et al. 2019, Eq. 1 and 2): how many generated images lie where real ones do, and how
/// many real ones where generated ones do.
///
/// A set stands for the union of balls around its members, each with the distance to the member's k-th nearest other member
/// for its radius, the surface included.
public struct PrecisionRecall: Sendable, Codable, Equatable {
  /// The share of generated images in a ball of a real one.
  public let precision: Double
  /// The share of real images in a ball of a generated one.
  public let recall: Double
  /// k
  public let neighbours: Int

  /// - Throws: `EvaluationError.tooFew` for fewer than k + 1 images, `.differingDimensions`, `.option` for k outside 1…1000, `.overflow`.
  package init(real: FeatureSet, generated: FeatureSet, neighbours: Int = 3) throws(EvaluationError) {
    try generated.requireDimension(of: real)
    let realBalls = try NeighbourBalls(real, neighbours: neighbours)
    let generatedBalls = try NeighbourBalls(generated, neighbours: neighbours)
    precision = realBalls.share(of: generated)
    recall = generatedBalls.share(of: real)
    self.neighbours = neighbours
  }
}

/// A set with the balls around its members.
package struct NeighbourBalls: Sendable {
  private let centres: FeatureSet
  private let squaredRadii: [Double]

  /// The distance of each member to its k-th nearest other one.
  package var radii: [Double] { squaredRadii.map { $0.squareRoot() } }

  /// - Throws: `EvaluationError.tooFew`, `.option`, `.overflow`.
  package init(_ features: FeatureSet, neighbours: Int) throws(EvaluationError) {
    try Self.validate(neighbours)
    guard features.count > neighbours else {
      throw .tooFew(
        set: features.name, measure: "precision and recall with \(neighbours) neighbours",
        expected: neighbours + 1, found: features.count)
    }
    centres = features
    squaredRadii = perImage(features.count) { row in
      var nearest = [Double](repeating: .infinity, count: neighbours)
      for other in 0..<features.count where other != row {
        let distance = squaredDistance(features, row, features, other)
        guard distance < nearest[neighbours - 1] else { continue }
        let place = nearest.firstIndex { distance < $0 } ?? neighbours - 1
        nearest.insert(distance, at: place)
        nearest.removeLast()
      }
      return nearest[neighbours - 1]
    }
    guard squaredRadii.allSatisfy(\.isFinite) else { throw .overflow(measure: "a distance between features") }
  }

  /// - Throws: `EvaluationError.option`.
  static func validate(_ neighbours: Int) throws(EvaluationError) {
    guard (1...1000).contains(neighbours) else { throw .option(name: "neighbours", expected: "1…1000", found: neighbours) }
  }

  /// The share of `others` that lie in some ball.
  package func share(of others: FeatureSet) -> Double {
    let inside = perImage(others.count) { row in
      (0..<centres.count).contains { squaredDistance(others, row, centres, $0) <= squaredRadii[$0] } ? 1 : 0
    }
    return inside.reduce(0, +) / Double(others.count)
  }
}

/// `body` of each of 0..<count, computed by several threads.
private func perImage(_ count: Int, _ body: @Sendable (Int) -> Double) -> [Double] {
  [Double](unsafeUninitializedCapacity: count) { results, initialized in
    guard let results = SharedPointer(results) else { return }
    ThreadPool.shared.parallelFor(count) { results.pointer[$0] = body($0) }
    initialized = count
  }
}

/// |x − y|², by differences: x to x is exactly 0, and x to y exactly what y to x is, which products of Gram matrices don't give.
private func squaredDistance(_ first: FeatureSet, _ row: Int, _ second: FeatureSet, _ other: Int) -> Double {
  let dimension = first.dimension
  return first.values.withUnsafeBytes { x in
    second.values.withUnsafeBytes { y in
      let (start, otherStart) = (row * dimension, other * dimension)
      let stride = MemoryLayout<Double>.stride
      var sums = SIMD8<Double>.zero
      let whole = dimension / 8 * 8
      for column in Swift.stride(from: 0, to: whole, by: 8) {
        let difference =
          x.loadUnaligned(fromByteOffset: (start + column) * stride, as: SIMD8<Double>.self)
          - y.loadUnaligned(fromByteOffset: (otherStart + column) * stride, as: SIMD8<Double>.self)
        sums += difference * difference
      }
      var sum = sums.sum()
      for column in whole..<dimension {
        let difference = first.values[start + column] - second.values[otherStart + column]
        sum += difference * difference
      }
      return sum
    }
  }
}
