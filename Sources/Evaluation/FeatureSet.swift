/// Feature vectors of a set of images: N rows of D doubles, row-major.
public struct FeatureSet: Sendable, Equatable {
  /// What messages call the set, such as the folder that the images came from.
  public let name: String
  /// The largest D: measures hold several D × D matrices of doubles, each 512 MiB here.
  public static let largestDimension = 8192

  /// N, the images.
  public let count: Int
  /// D.
  public let dimension: Int
  /// [N, D]
  public let values: [Double]

  /// - Parameters:
  ///   - name: what messages call the set.
  ///   - values: [N, D] with N = `values.count / dimension`.
  /// - Throws: `EvaluationError.noDimension`, `.dimensionTooLarge`, `.notFinite`.
  public init(name: String, values: [Double], dimension: Int) throws(EvaluationError) {
    guard dimension > 0 else { throw .noDimension(set: name) }
    guard dimension <= Self.largestDimension else {
      throw .dimensionTooLarge(set: name, expected: Self.largestDimension, found: dimension)
    }
    precondition(values.count.isMultiple(of: dimension), "\(values.count) values in rows of \(dimension)")
    if let place = values.firstIndex(where: { !$0.isFinite }) {
      throw .notFinite(set: name, row: place / dimension, column: place % dimension, found: values[place])
    }
    self.init(name: name, checked: values, dimension: dimension)
  }

  private init(name: String, checked values: [Double], dimension: Int) {
    self.name = name
    self.values = values
    self.dimension = dimension
    count = values.count / dimension
  }

  /// The rows of `indices`, in that order.
  func rows(_ indices: some Sequence<Int>) -> FeatureSet {
    FeatureSet(
      name: name, checked: indices.flatMap { values[$0 * dimension..<($0 + 1) * dimension] }, dimension: dimension)
  }

  /// - Throws: `EvaluationError.tooFew`.
  func require(_ least: Int, for measure: String) throws(EvaluationError) {
    guard count >= least else { throw .tooFew(set: name, measure: measure, expected: least, found: count) }
  }

  /// - Throws: `EvaluationError.differingDimensions`.
  func requireDimension(of other: FeatureSet) throws(EvaluationError) {
    guard dimension == other.dimension else {
      throw .differingDimensions(first: other.name, expected: other.dimension, second: name, found: dimension)
    }
  }
}
