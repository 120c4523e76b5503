import Foundation

/// How much of a codebook a set of images uses.
public struct CodeUsage: Sendable, Codable, Equatable {
  /// K, the codes of the codebook.
  public let codes: Int
  /// Codes that occur.
  public let used: Int
  /// Codes that occur ten times or more.
  public let usedTenTimes: Int
  /// exp(−Σ p ln p) of the codes' relative frequencies p: K if all are equally frequent, 1 if there is but one.
  public let perplexity: Double

  /// The share of codes that occur.
  public var share: Double { Double(used) / Double(codes) }
  /// The share of codes that occur ten times or more.
  public var shareTenTimes: Double { Double(usedTenTimes) / Double(codes) }

  /// - Parameter histogram: how often each code occurs, [K].
  /// - Throws: `EvaluationError.histogram` unless it counts something, and nothing less than 0 times.
  public init(histogram: [Int]) throws(EvaluationError) {
    if let negative = histogram.first(where: { $0 < 0 }) {
      throw .histogram(expected: "no negative counts", found: negative)
    }
    let total = histogram.reduce(0.0) { $0 + Double($1) }
    guard total > 0 else { throw .histogram(expected: "a sum above 0", found: 0) }
    codes = histogram.count
    used = histogram.count { $0 >= 1 }
    usedTenTimes = histogram.count { $0 >= 10 }
    let negativeEntropy = histogram.reduce(0.0) { sum, count in
      let p = Double(count) / total
      return count == 0 ? sum : sum + p * log(p)
    }
    perplexity = exp(-negativeEntropy)
  }
}
