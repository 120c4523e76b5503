import Foundation

/// Corruption that only replaces, by uniform codes (Hu et al. 2021, "Global Context with Discrete Diffusion in Vector Quantised
/// Modelling for Image Generation", VQ-DDM), on the cosine schedule of Nichol and Dhariwal 2021:
///
///     ᾱ_t = f(t) / f(0)        f(t) = cos²(π/2 · (t/T + 0.008) / 1.008)        β̄_t = (1 − ᾱ_t) / K        γ̄_t = 0
public struct UniformCorruption: Corruption, Equatable {
  public let timesteps: Int
  public let codes: Int
  public let name = "uniform"
  public let reverseRule: ReverseRule

  /// - Parameters:
  ///   - timesteps: T, at least 2; the paper uses 4000.
  ///   - codes: K.
  ///   - reverseRule: `.plugIn` is the paper's.
  /// - Throws: `timesteps`, `codes`.
  public init(timesteps: Int, codes: Int, reverseRule: ReverseRule = .marginal) throws(DiffusionError) {
    try CorruptionMath.check(timesteps: timesteps, codes: codes)
    (self.timesteps, self.codes, self.reverseRule) = (timesteps, codes, reverseRule)
  }

  public var startMasks: Double { 0 }

  public func cumulative(at t: Int) -> Transition {
    let keep = survival(t) / survival(0)
    return Transition(keep: keep, replace: (1 - keep) / Double(codes), mask: 0)
  }

  /// f(t)
  private func survival(_ t: Int) -> Double {
    let angle = Double.pi / 2 * (Double(t) / Double(timesteps) + 0.008) / 1.008
    return cos(angle) * cos(angle)
  }
}
