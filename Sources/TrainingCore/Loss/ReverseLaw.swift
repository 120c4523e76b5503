import Diffusion

/// q(x_{t−1} = j | x_t, x_0 ~ p) as a function of p that can be differentiated (Improved VQ-Diffusion, Eq. 3 and 5).
///
/// The law is a K + 1 by K matrix applied to p, whose entries take few values: with T = Σ p, and x_t = c a code,
///
///     w_j    = slope p_j + other (T − p_c) + fromOwn p_c       j ≠ c
///     w_c    = stay p_c + become (T − p_c)
///     w_MASK = mask (T − p_c) + maskFromOwn p_c
///
/// and for a masked x_t the same without c. `ReverseRule.plugIn` normalises w to T.
struct ReverseLaw {
  var slope = 0.0
  var other = 0.0
  var fromOwn = 0.0
  var stay = 0.0
  var become = 0.0
  var mask = 0.0
  var maskFromOwn = 0.0
  var isNormalized = false
  let codes: Int

  /// The law given a masked x_t, and given a code, at the paper's time t in 1…T.
  static func laws(_ corruption: any Corruption, at t: Int) -> (masked: ReverseLaw, code: ReverseLaw) {
    (ReverseLaw(maskedOf: corruption, at: t), ReverseLaw(codeOf: corruption, at: t))
  }

  // The entries are the posterior's, which are the same for every code but for its place: x_t = 0 or [MASK], x_0 = 0 or 1.

  private init(maskedOf corruption: any Corruption, at t: Int) {
    codes = corruption.codes
    // A corruption without masks has no posterior of one.
    guard corruption.cumulative(at: t).mask > 0 else { return }
    let posterior = Posterior(corruption, from: t, to: t - 1)
    other = codes > 1 ? posterior.probability(of: 1, token: codes, clean: 0) : 0
    slope = posterior.probability(of: 0, token: codes, clean: 0) - other
    mask = posterior.probability(of: codes, token: codes, clean: 0)
  }

  private init(codeOf corruption: any Corruption, at t: Int) {
    codes = corruption.codes
    if corruption.reverseRule == .plugIn && t > 1 {
      plugIn(corruption.cumulative(at: t - 1), step: corruption.transition(from: t - 1, to: t))
      return
    }
    let posterior = Posterior(corruption, from: t, to: t - 1)
    stay = posterior.probability(of: 0, token: 0, clean: 0)
    maskFromOwn = posterior.probability(of: codes, token: 0, clean: 0)
    guard codes > 1 else { return }
    fromOwn = posterior.probability(of: 1, token: 0, clean: 0)
    become = posterior.probability(of: 0, token: 0, clean: 1)
    mask = posterior.probability(of: codes, token: 0, clean: 1)
    other = codes > 2 ? posterior.probability(of: 2, token: 0, clean: 1) : 0
    slope = posterior.probability(of: 1, token: 0, clean: 1) - other
  }

  /// q(x_t = c | x_{t−1} = j) (ᾱ p_j + β̄ T), before it is normalised.
  private mutating func plugIn(_ before: Transition, step: Transition) {
    isNormalized = true
    slope = step.replace * before.keep
    (other, fromOwn) = (step.replace * before.replace, step.replace * before.replace)
    become = (step.keep + step.replace) * before.replace
    stay = (step.keep + step.replace) * before.keep + become
  }
}

/// A `ReverseLaw` for one prediction: what its weights need of p besides p_j itself.
struct ReverseProbabilities {
  private let law: ReverseLaw
  /// What normalises: T / Σ w, or 1.
  let factor: Double
  private let offset: Double
  /// w_c, 0 if x_t is masked.
  let own: Double
  let mask: Double

  /// - Parameters:
  ///   - own: p_c; nil if x_t is masked.
  ///   - total: T = Σ p.
  init(_ law: ReverseLaw, own: Double?, total: Double) {
    self.law = law
    let (mine, rest) = (own ?? 0, total - (own ?? 0))
    let offset = law.other * rest + law.fromOwn * mine
    let stays = own == nil ? 0 : law.stay * mine + law.become * rest
    let masked = law.mask * rest + law.maskFromOwn * mine
    var factor = 1.0
    if law.isNormalized {
      let sum = law.slope * rest + Double(law.codes - 1) * offset + stays + masked
      factor = sum > 0 ? total / sum : 0
    }
    (self.factor, self.offset, self.own, self.mask) = (factor, factor * offset, factor * stays, factor * masked)
  }

  /// w_j for a code that isn't x_t.
  func code(_ p: Double) -> Double { factor * law.slope * p + offset }
}
