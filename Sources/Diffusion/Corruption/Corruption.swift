import Foundation

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

  /// Probability that a token becomes another one; `codes` stands for the mask.
  func probability(from token: Int, to other: Int, codes: Int) -> Double {
    if token == codes { return other == codes ? 1 : 0 }
    if other == codes { return mask }
    return token == other ? keep + replace : replace
  }
}

/// How p(x_s | x_t) follows from the prediction p(x_0 | x_t).
public enum ReverseRule: String, Sendable, CaseIterable {
  /// Σ_k q(x_s | x_t, x_0 = k) p(x_0 = k | x_t) (VQ-Diffusion, Eq. 5): exact for an exact prediction.
  case marginal
  /// q(x_s | x_t, x̂_0) with the predicted distribution x̂_0 in place of the one-hot x_0 (VQ-DDM): an approximation where
  /// tokens may be replaced, the same as `marginal` where they are only masked.
  case plugIn = "plug-in"
}

/// A forward process that keeps, replaces or masks each token independently (Improved VQ-Diffusion, Eq. 1, 2, 4; Austin et al.
/// 2021, "Structured Denoising Diffusion Models in Discrete State-Spaces").
///
/// Times are the papers': t = 0 is clean, t = T the noisiest. A network's timestep index is t − 1. A corruption states its
/// cumulative transitions ᾱ_t, β̄_t, γ̄_t. Everything else follows in closed form: q(x_t | x_0), transitions and posteriors
/// between any two times, and the law that sampling starts from.
public protocol Corruption: Sendable {
  /// T, the number of noising steps.
  var timesteps: Int { get }
  /// K, the number of codes; the index of [MASK].
  var codes: Int { get }
  /// Name in messages.
  var name: String { get }
  /// How a reverse step uses the prediction.
  var reverseRule: ReverseRule { get }
  /// Share of masks in the noise that sampling starts from. The other tokens are uniform codes.
  var startMasks: Double { get }

  /// ᾱ_t, β̄_t, γ̄_t: how x_0 became x_t, for t in 0…T.
  func cumulative(at t: Int) -> Transition
}

extension Corruption {
  public var reverseRule: ReverseRule { .marginal }

  /// Whether the corruption masks tokens.
  public var hasMasks: Bool { cumulative(at: timesteps).mask > 0 }

  /// α_{t|s}, β_{t|s}, γ_{t|s}: how x_s became x_t, for 0 ≤ s < t ≤ T; s = t − 1 gives the paper's α_t, β_t, γ_t.
  ///
  ///     α_{t|s} = ᾱ_t / ᾱ_s        γ_{t|s} = 1 − (1 − γ̄_t) / (1 − γ̄_s)        β_{t|s} = (1 − α_{t|s} − γ_{t|s}) / K
  public func transition(from s: Int, to t: Int) -> Transition {
    precondition(s < t, "no transition from time \(s) to time \(t)")
    let (before, after) = (cumulative(at: s), cumulative(at: t))
    let keep = after.keep / before.keep
    let unmasked = (1 - after.mask) / (1 - before.mask)
    return Transition(
      keep: keep, replace: CorruptionMath.replacement(unmasked - keep) / Double(codes), mask: 1 - unmasked)
  }

  /// γ̄ at a time t in 0…T, interpolated linearly between whole times.
  public func cumulativeMask(at t: Double) -> Double {
    let below = min(Int(t), timesteps - 1)
    let part = t - Double(below)
    return cumulative(at: below).mask * (1 - part) + cumulative(at: below + 1).mask * part
  }

  /// argmin over t = 1…T of |fraction − γ̄_t|, the time with the nearest share of masks (Algorithms 1 and 2). Ties go to the
  /// earliest.
  public func nearestTime(maskFraction fraction: Double) -> Int {
    var best = 1
    for t in 1...timesteps where abs(fraction - cumulative(at: t).mask) < abs(fraction - cumulative(at: best).mask) { best = t }
    return best
  }

  /// Writes q(x_t = j | x_0 = token) for j = 0…K, the mask last (Eq. 4): ᾱ_t [j = token] + β̄_t for codes, γ̄_t for the mask.
  ///
  /// - Parameters:
  ///   - token: a code.
  ///   - t: 0…T.
  ///   - law: room for the K + 1 probabilities.
  package func writeCorruption(of token: Int32, at t: Int, into law: UnsafeMutableBufferPointer<Float>) {
    let after = cumulative(at: t)
    law.update(repeating: Float(after.replace))
    law[Int(token)] = Float(after.keep + after.replace)
    law[codes] = Float(after.mask)
  }

  /// Writes the law of a token in the noise that sampling starts from: K + 1 probabilities, the mask last.
  package func writeStart(into law: UnsafeMutableBufferPointer<Float>) {
    law.update(repeating: Float((1 - startMasks) / Double(codes)))
    law[codes] = Float(startMasks)
  }
}

enum CorruptionMath {
  /// K β = 1 − α − γ, with rounding noise set to zero: a schedule that only masks leaves such noise, and quotients
  /// β_{t|s} / β̄_t of it would put arbitrary numbers into the posterior. (The released schedule has 1e-6.)
  static func replacement(_ rest: Double) -> Double { rest < roundingOfSums ? 0 : rest }

  static let roundingOfSums = 1e-14

  /// - Throws: `timesteps`, `codes`.
  static func check(timesteps: Int, codes: Int) throws(DiffusionError) {
    guard timesteps >= 2 else { throw .timesteps(found: timesteps) }
    guard codes >= 1 else { throw .codes(found: codes) }
  }
}
