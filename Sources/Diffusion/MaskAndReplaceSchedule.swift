/// How a token changes between two times: it keeps its value with probability α, becomes any given code with probability β
/// (its own included), or [MASK] with probability γ; α + K β + γ = 1 (Eq. 2). A mask stays a mask.
public struct Transition: Sendable, Equatable {
  public var keep: Double  // α
  public var replace: Double  // β
  public var mask: Double  // γ

  public init(keep: Double, replace: Double, mask: Double) {
    self.keep = keep
    self.replace = replace
    self.mask = mask
  }
}

/// The mask-and-replace corruption of VQ-Diffusion (Improved VQ-Diffusion, Eq. 1, 2 and 4).
///
/// Times are the paper's: t = 0 is clean, t = T the noisiest. A network's timestep index is t − 1.
///
///     ᾱ_t = Π α_i        γ̄_t = 1 − Π (1 − γ_i)        β̄_t = (1 − ᾱ_t − γ̄_t) / K
///
/// The paper prints K + 1 below β̄_t, which doesn't sum to 1; the public code divides by K too. Between two times s < t:
///
///     α_{t|s} = ᾱ_t / ᾱ_s        γ_{t|s} = 1 − (1 − γ̄_t) / (1 − γ̄_s)        β_{t|s} = (1 − α_{t|s} − γ_{t|s}) / K
public struct MaskAndReplaceSchedule: Sendable, Equatable {
  /// T, the number of noising steps.
  public let timesteps: Int
  /// K, the number of codes; the index of [MASK].
  public let codes: Int
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
  /// - Throws: `timesteps`, `codes`, `scheduleParameter` or `risingSchedule`.
  public init(
    timesteps: Int, codes: Int, alpha1: Double = 0.99999, alphaT: Double = 0.000009, gamma1: Double = 0.000009,
    gammaT: Double = 0.99999
  ) throws(DiffusionError) {
    guard timesteps >= 2 else { throw .timesteps(found: timesteps) }
    guard codes >= 1 else { throw .codes(found: codes) }
    guard alpha1 > 0, alpha1 <= 1 else { throw .scheduleParameter(name: "alpha_1", allowed: "(0, 1]", found: alpha1) }
    guard alphaT >= 0, alphaT <= alpha1 else {
      throw .scheduleParameter(name: "alpha_T", allowed: "[0, alpha_1]", found: alphaT)
    }
    guard gamma1 > 0, gamma1 <= 1 - alpha1 + Self.roundingOfSums else {
      throw .scheduleParameter(name: "gamma_1", allowed: "(0, 1 - alpha_1]", found: gamma1)
    }
    guard gammaT >= gamma1, gammaT <= 1 - alphaT + Self.roundingOfSums else {
      throw .scheduleParameter(name: "gamma_T", allowed: "[gamma_1, 1 - alpha_T]", found: gammaT)
    }
    guard alphaT * (1 - gamma1) <= alpha1 * (1 - gammaT) + Self.roundingOfSums else {
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
        return Transition(keep: keep, replace: Self.replacement(1 - keep - mask) / Double(codes), mask: mask)
      }
  }

  /// ᾱ_t, β̄_t, γ̄_t: how x_0 became x_t, for t in 0…T.
  public func cumulative(at t: Int) -> Transition { cumulative[t] }

  /// α_{t|s}, β_{t|s}, γ_{t|s}: how x_s became x_t, for 0 ≤ s < t ≤ T; s = t − 1 gives the paper's α_t, β_t, γ_t.
  public func transition(from s: Int, to t: Int) -> Transition {
    precondition(s < t, "no transition from time \(s) to time \(t)")
    let (before, after) = (cumulative[s], cumulative[t])
    let keep = after.keep / before.keep
    let unmasked = (1 - after.mask) / (1 - before.mask)
    return Transition(keep: keep, replace: Self.replacement(unmasked - keep) / Double(codes), mask: 1 - unmasked)
  }

  /// γ̄ at a time between the steps, by linear interpolation; t in 0…T.
  public func cumulativeMask(at t: Double) -> Double {
    let below = min(Int(t), timesteps - 1)
    let part = t - Double(below)
    return cumulative[below].mask * (1 - part) + cumulative[below + 1].mask * part
  }

  /// argmin over t = 1…T of |fraction − γ̄_t|, the time whose share of masks is nearest (Algorithms 1 and 2); the first of equals.
  public func nearestTime(maskFraction fraction: Double) -> Int {
    var best = 1
    for t in 2...timesteps where abs(fraction - cumulative[t].mask) < abs(fraction - cumulative[best].mask) { best = t }
    return best
  }

  /// Writes q(x_t = j | x_0 = token) for j = 0…K, the mask last (Eq. 4): ᾱ_t [j = token] + β̄_t for codes, γ̄_t for the mask.
  ///
  /// - Parameters:
  ///   - token: a code.
  ///   - t: 0…T.
  ///   - weights: K + 1 probabilities.
  package func writeCorruption(of token: Int32, at t: Int, into weights: UnsafeMutableBufferPointer<Float>) {
    let after = cumulative[t]
    weights.update(repeating: Float(after.replace))
    weights[Int(token)] = Float(after.keep + after.replace)
    weights[codes] = Float(after.mask)
  }

  /// K β from 1 − α − γ. A schedule that only masks leaves rounding noise there, whose quotients β_{t|s} / β̄_t would be
  /// arbitrary numbers in the posterior: it counts as zero. (The released schedule has 1e-6.)
  private static func replacement(_ rest: Double) -> Double { rest < roundingOfSums ? 0 : rest }

  private static let roundingOfSums = 1e-14
}
