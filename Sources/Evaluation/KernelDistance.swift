import CBLAS
import Tensor

/// The squared maximum mean discrepancy between two sets with the polynomial kernel of KID (Bińkowski et al. 2018, section 3.1):
///
///     k(x, y) = (xᵀ y / D + 1)³
///
/// over random subsets of m images of each set. The estimator
///
///     Σ_{i≠j} k(x_i, x_j) / (m (m − 1)) + Σ_{i≠j} k(y_i, y_j) / (m (m − 1)) − 2 Σ_{ij} k(x_i, y_j) / m²
///
/// (Gretton et al. 2012, Eq. 3) is unbiased: for equal laws its expectation is 0, so it may be negative.
public struct KernelDistance: Sendable, Codable, Equatable {
  /// Of the subsets' estimates.
  public let mean: Double
  /// Of one subset's estimate, with n − 1 in the denominator. Subsets share images, so this isn't √n times the mean's error.
  public let standardDeviation: Double
  public let subsets: Int
  /// m, images of each set in a subset.
  public let subsetSize: Int

  /// How subsets are taken.
  public struct Options: Sendable, Equatable {
    /// At least 2.
    public var subsets: Int
    /// m, at least 2. Nil takes half of the smaller set, at most 1000, so that subsets of small sets differ.
    public var subsetSize: Int?
    public var seed: UInt64

    public init(subsets: Int = 100, subsetSize: Int? = nil, seed: UInt64 = 0) {
      self.subsets = subsets
      self.subsetSize = subsetSize
      self.seed = seed
    }

    /// The largest m unless one is asked for: KID's own.
    static let largestDefault = 1000

    /// - Throws: `EvaluationError.option`.
    package func validate() throws(EvaluationError) {
      guard (2...100_000).contains(subsets) else { throw .option(name: "subsets", expected: "2…100000", found: subsets) }
      if let subsetSize, !(2...100_000).contains(subsetSize) {
        throw .option(name: "subset size", expected: "2…100000", found: subsetSize)
      }
    }
  }

  /// - Throws: `EvaluationError.tooFew` for fewer than four images (two where the size of subsets is given),
  ///   `.differingDimensions`, `.subsetTooLarge`, `.option`, `.overflow`.
  package init(_ first: FeatureSet, _ second: FeatureSet, _ options: Options = Options()) throws(EvaluationError) {
    try options.validate()
    try second.requireDimension(of: first)
    for set in [first, second] { try set.require(options.subsetSize == nil ? 4 : 2, for: "the kernel distance") }
    let smaller = min(first.count, second.count)
    let size = options.subsetSize ?? min(Options.largestDefault, smaller / 2)
    guard size <= smaller else { throw .subsetTooLarge(expected: smaller, found: size) }

    let random = RandomSubset(seed: options.seed)
    var estimates = [Double](repeating: 0, count: options.subsets)
    estimates.withUnsafeMutableBufferPointer { estimates in
      guard let estimates = SharedPointer(estimates) else { return }
      ThreadPool.shared.parallelFor(options.subsets) { number in
        let x = first.rows(random.indices(size, of: first.count, for: .first, number: number))
        let y = second.rows(random.indices(size, of: second.count, for: .second, number: number))
        estimates.pointer[number] = Self.estimate(x, y)
      }
    }
    let mean = estimates.reduce(0, +) / Double(estimates.count)
    guard mean.isFinite else { throw .overflow(measure: "the kernel distance") }
    self.mean = mean
    let squares = estimates.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    standardDeviation = (squares / Double(estimates.count - 1)).squareRoot()
    subsets = options.subsets
    subsetSize = size
  }

  /// The unbiased estimate from two sets of m images, m at least 2.
  package static func estimate(_ x: FeatureSet, _ y: FeatureSet) -> Double {
    precondition(x.count == y.count && x.count >= 2 && x.dimension == y.dimension, "\(x.count) and \(y.count) images")
    let m = Double(x.count)
    let within = kernelSum(x, x, withoutDiagonal: true) + kernelSum(y, y, withoutDiagonal: true)
    return within / (m * (m - 1)) - 2 * kernelSum(x, y, withoutDiagonal: false) / (m * m)
  }

  /// Σ k(x_i, y_j).
  private static func kernelSum(_ x: FeatureSet, _ y: FeatureSet, withoutDiagonal: Bool) -> Double {
    let (rows, columns, dimension) = (x.count, y.count, x.dimension)
    let products = [Double](unsafeUninitializedCapacity: rows * columns) { products, count in
      cblas_dgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows), blasint(columns), blasint(dimension), 1 / Double(dimension),
        x.values, blasint(dimension), y.values, blasint(dimension), 0, products.baseAddress, blasint(columns))
      count = rows * columns
    }
    var sum = 0.0
    for row in 0..<rows {
      var rowSum = 0.0
      for column in 0..<columns where !(withoutDiagonal && row == column) {
        let base = products[row * columns + column] + 1
        rowSum += base * base * base
      }
      sum += rowSum
    }
    return sum
  }
}
