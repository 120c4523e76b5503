/// Everything that compares two sets of features.
public struct FeatureComparison: Sendable, Codable, Equatable {
  /// Images of the two sets.
  public let real: Int
  public let generated: Int
  /// D
  public let dimension: Int
  /// |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½).
  public let frechetDistance: Double
  public let kernelDistance: KernelDistance
  public let neighbours: PrecisionRecall

  /// Whether a covariance lacks full rank, since a set has no more images than features have dimensions. The Fréchet distance is then
  /// mostly bias.
  public var isRankDeficient: Bool { min(real, generated) <= dimension }

  /// How two sets are compared.
  public struct Options: Sendable, Equatable {
    public var kernel: KernelDistance.Options
    /// k of precision and recall.
    public var neighbours: Int

    public init(kernel: KernelDistance.Options = .init(), neighbours: Int = 3) {
      self.kernel = kernel
      self.neighbours = neighbours
    }

    /// - Throws: `EvaluationError.option`.
    public func validate() throws(EvaluationError) {
      try kernel.validate()
      try NeighbourBalls.validate(neighbours)
    }
  }

  /// - Throws: `EvaluationError.tooFew` for fewer than four images or k + 1, and the other errors of the measures.
  public init(real: FeatureSet, generated: FeatureSet, _ options: Options = Options()) throws(EvaluationError) {
    self.real = real.count
    self.generated = generated.count
    dimension = real.dimension
    neighbours = try PrecisionRecall(real: real, generated: generated, neighbours: options.neighbours)
    frechetDistance = try FrechetDistance.between(real, generated)
    kernelDistance = try KernelDistance(real, generated, options.kernel)
  }
}

/// Generated images against real ones, beside the floor: real ones against other real ones, which no generator gets below.
///
/// The Fréchet distance grows as sets get smaller, so the floor, which has only halves of the real set, is to be held against
/// `sameSize`, not against `all`.
public struct FlooredComparison: Sendable, Codable, Equatable {
  /// All generated images against all real ones.
  public let all: FeatureComparison
  /// As many generated images, drawn at random, as the floor has against its first part of the real ones.
  public let sameSize: FeatureComparison
  /// Two disjoint random parts of the real set, each half of it, or as large as the generated set if that is smaller.
  public let floor: FeatureComparison

  /// - Throws: `EvaluationError.tooFew` unless half of the real set, and the generated set, hold four images and k + 1; and the
  ///   other errors of the measures.
  public init(
    real: FeatureSet, generated: FeatureSet, _ options: FeatureComparison.Options = .init()
  ) throws(EvaluationError) {
    try options.validate()
    let least = max(4, options.neighbours + 1, options.kernel.subsetSize ?? 0)
    let size = min(real.count / 2, generated.count)
    try generated.require(least, for: "these settings")
    try real.require(2 * least, for: "these settings and a floor from halves")
    let (half, otherHalf) = Self.halves(of: real, size: size, seed: options.kernel.seed)
    let random = RandomSubset(seed: options.kernel.seed)
    let matched = generated.rows(random.indices(size, of: generated.count, for: .matched))
    floor = try FeatureComparison(real: half, generated: otherHalf, options)
    sameSize = try FeatureComparison(real: half, generated: matched, options)
    all = try FeatureComparison(real: real, generated: generated, options)
  }

  /// Two disjoint random parts of `size` images each.
  package static func halves(of set: FeatureSet, size: Int, seed: UInt64) -> (FeatureSet, FeatureSet) {
    let shuffled = RandomSubset(seed: seed).indices(2 * size, of: set.count, for: .halves)
    return (set.rows(shuffled[..<size]), set.rows(shuffled[size...]))
  }
}
