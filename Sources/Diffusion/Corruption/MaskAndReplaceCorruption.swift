/// The mask-and-replace corruption of VQ-Diffusion (Improved VQ-Diffusion, Eq. 1, 2 and 4).
///
///     ᾱ_t = Π α_i        γ̄_t = 1 − Π (1 − γ_i)        β̄_t = (1 − ᾱ_t − γ̄_t) / K
///
/// The paper prints K + 1 below β̄_t, which doesn't sum to 1; the public code divides by K too.
public struct MaskAndReplaceCorruption: Corruption, Equatable {
  public let timesteps: Int
  public let codes: Int
  public let name = "mask-and-replace"
  /// ᾱ_t, β̄_t, γ̄_t for t = 0…T.
  private let cumulative: [Transition]

  /// The released models' schedule: ᾱ and γ̄ are straight lines in t = 1…T.
  ///
  /// - Parameters:
  ///   - timesteps: T, at least 2.
  ///   - codes: K.
  ///   - alpha1: ᾱ_1, the probability that a token survives the first step.
  ///   - alphaT: ᾱ_T, the probability that it survives all of them.
  ///   - gamma1: γ̄_1, the probability that the first step masks it.
  ///   - gammaT: γ̄_T, the probability that it is masked at the end.
  /// - Throws: `timesteps`, `codes`, `scheduleParameter`, `risingSchedule`.
  public init(
    timesteps: Int, codes: Int, alpha1: Double = 0.99999, alphaT: Double = 0.000009, gamma1: Double = 0.000009,
    gammaT: Double = 0.99999
  ) throws(DiffusionError) {
    try CorruptionMath.check(timesteps: timesteps, codes: codes)
    guard alpha1 > 0, alpha1 <= 1 else { throw .scheduleParameter(name: "alpha_1", allowed: "(0, 1]", found: alpha1) }
    guard alphaT >= 0, alphaT <= alpha1 else {
      throw .scheduleParameter(name: "alpha_T", allowed: "[0, alpha_1]", found: alphaT)
    }
    guard gamma1 > 0, gamma1 <= 1 - alpha1 + CorruptionMath.roundingOfSums else {
      throw .scheduleParameter(name: "gamma_1", allowed: "(0, 1 - alpha_1]", found: gamma1)
    }
    guard gammaT >= gamma1, gammaT <= 1 - alphaT + CorruptionMath.roundingOfSums else {
      throw .scheduleParameter(name: "gamma_T", allowed: "[gamma_1, 1 - alpha_T]", found: gammaT)
    }
    guard alphaT * (1 - gamma1) <= alpha1 * (1 - gammaT) + CorruptionMath.roundingOfSums else {
      throw .risingSchedule(alpha1: alpha1, alphaT: alphaT, gamma1: gamma1, gammaT: gammaT)
    }
    self.timesteps = timesteps
    self.codes = codes
    cumulative =
      [Transition(keep: 1, replace: 0, mask: 0)]
      + (0..<timesteps).map { i in
        let part = Double(i) / Double(timesteps - 1)
        let keep = part * (alphaT - alpha1) + alpha1
        let mask = part * (gammaT - gamma1) + gamma1
        return Transition(keep: keep, replace: CorruptionMath.replacement(1 - keep - mask) / Double(codes), mask: mask)
      }
  }

  /// The first paper's schedule (Gu et al. 2022, Section 5.1): γ̄ rises linearly from 0 to 0.9 and K β̄ from 0 to 0.1.
  ///
  /// - Throws: `timesteps`, `codes`.
  public static func firstPaper(timesteps: Int, codes: Int) throws(DiffusionError) -> MaskAndReplaceCorruption {
    let step = 1 / Double(max(timesteps, 1))
    return try MaskAndReplaceCorruption(
      timesteps: timesteps, codes: codes, alpha1: 1 - step, alphaT: 0, gamma1: 0.9 * step, gammaT: 0.9)
  }

  public func cumulative(at t: Int) -> Transition { cumulative[t] }

  /// γ̄_T / (γ̄_T + K β̄_T). It counts as 1 where K β̄_T is below a thousandth of γ̄_T, as in the released schedule.
  public var startMasks: Double {
    let (masks, replaced) = (cumulative[timesteps].mask, cumulative[timesteps].replace * Double(codes))
    return replaced < 1e-3 * masks ? 1 : masks / (masks + replaced)
  }
}
