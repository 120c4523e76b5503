import Tensor

/// p(x_s | x_t) = Σ_k q(x_s | x_t, x_0 = k) p(x_0 = k) for any two times s < t (Eq. 3 and 5), in closed form and O(K).
///
/// With r_k = p_k / q(x_t | x_0 = k) and R = Σ r_k, the matrix products of Eq. 3 collapse, because every x_0 reaches x_s = j in
/// only two ways (kept, or replaced):
///
///     p(x_s = j | x_t)      = q(x_t | x_s = j) (ᾱ_s r_j + β̄_s R)      for the codes j
///     p(x_s = MASK | x_t)   = q(x_t | x_s = MASK) γ̄_s R
///
/// For x_t = MASK, q(x_t | x_s = j) is γ_{t|s}, and 1 from MASK; for a code c it is α_{t|s} [j = c] + β_{t|s}, and 0 from MASK.
/// One step is s = t − 1. At s = 0 the result is the prediction itself for any x_t.
///
/// With `ReverseRule.plugIn` an unmasked x_t gives q(x_t | x_s = j) (ᾱ_s p_j + β̄_s Σ p) for the codes instead (VQ-DDM),
/// normalised to Σ p. From a mask both rules are the same.
package struct Posterior: Sendable {
  private let codes: Int
  private let before: Transition  // ᾱ_s, β̄_s, γ̄_s
  private let step: Transition  // α_{t|s}, β_{t|s}, γ_{t|s}
  private let after: Transition  // ᾱ_t, β̄_t, γ̄_t
  private let rule: ReverseRule
  private let floor: Double

  /// The posterior of x_s given x_t, 0 ≤ s < t ≤ T.
  ///
  /// - Parameter floor: value of the zeros in a one-hot vector. 0 is exact. The public code uses 1e-30, which changes
  ///   only the logarithms of probabilities below 1e-20.
  package init(_ corruption: any Corruption, from t: Int, to s: Int, floor: Double = 0) {
    codes = corruption.codes
    before = corruption.cumulative(at: s)
    step = corruption.transition(from: s, to: t)
    after = corruption.cumulative(at: t)
    // The last step draws from the prediction itself.
    rule = s == 0 ? .marginal : corruption.reverseRule
    self.floor = floor
  }

  /// Writes the law of x_s: K + 1 probabilities that sum to Σ p, the mask last.
  ///
  /// - Parameters:
  ///   - token: x_t, a code or the mask K.
  ///   - probabilities: p(x_0 = k), K values. Their sum may be below 1 after truncation.
  ///   - law: room for the K + 1 probabilities.
  package func write(
    token: Int32, probabilities p: UnsafePointer<Float>, into law: UnsafeMutableBufferPointer<Float>
  ) {
    let total = RowMath.sum(p, count: codes)
    if Int(token) == codes {
      writeMasked(total: total, p, law)
    } else if rule == .plugIn {
      writePluggedIn(code: Int(token), total: total, p, law)
    } else {
      writeUnmasked(code: Int(token), total: total, p, law)
    }
  }

  /// q(x_s = j | x_t, x_0 = k) = q(x_t | x_s = j) q(x_s = j | x_0 = k) / q(x_t | x_0 = k) in double precision (Eq. 3), whatever the
  /// reverse rule and the floor. A token that x_0 can't have become stays what it is.
  ///
  /// - Parameters:
  ///   - token: x_t, a code or the mask K.
  ///   - clean: x_0, a code.
  package func probability(of j: Int, token: Int, clean: Int) -> Double {
    let reached = after.probability(from: clean, to: token, codes: codes)
    guard reached > 0 else { return j == token ? 1 : 0 }
    return step.probability(from: j, to: token, codes: codes) * before.probability(from: clean, to: j, codes: codes) / reached
  }

  private func writeMasked(total: Double, _ p: UnsafePointer<Float>, _ law: UnsafeMutableBufferPointer<Float>) {
    let quotients = total / after.mask + floor  // R
    writeLine(slope: step.mask * before.keep / after.mask, offset: step.mask * before.replace * quotients, p, law)
    law[codes] = Float(floor * (1 - before.mask) + before.mask * quotients)
  }

  private func writeUnmasked(
    code: Int, total: Double, _ p: UnsafePointer<Float>, _ law: UnsafeMutableBufferPointer<Float>
  ) {
    let own = Double(p[code])
    let fromOther = after.replace + floor * after.keep  // q(x_t = code | x_0 = k), k ≠ code
    guard fromOther > 0 else {
      // Without replacement a code can only have been itself.
      law.update(repeating: 0)
      law[code] = Float(total)
      return
    }
    let ownQuotient = own / (after.keep + after.replace)
    let quotients = (total - own) / fromOther + ownQuotient + floor  // R
    let otherStep = step.replace + floor * step.keep
    writeLine(slope: otherStep * before.keep / fromOther, offset: otherStep * before.replace * quotients, p, law)
    law[code] = Float((step.keep + step.replace) * (before.keep * ownQuotient + before.replace * quotients))
    law[codes] = Float(floor * (floor * (1 - before.mask) + before.mask * quotients))
  }

  private func writePluggedIn(
    code: Int, total: Double, _ p: UnsafePointer<Float>, _ law: UnsafeMutableBufferPointer<Float>
  ) {
    let own = (step.keep + step.replace) * (before.keep * Double(p[code]) + before.replace * total)
    let sum =
      step.replace * (before.keep * (total - Double(p[code])) + Double(codes - 1) * before.replace * total) + own
    guard sum > 0 else {
      // The token can only stay.
      law.update(repeating: 0)
      law[code] = Float(total)
      return
    }
    let factor = total / sum
    writeLine(
      slope: factor * step.replace * before.keep, offset: factor * step.replace * before.replace * total, p, law)
    law[code] = Float(factor * own)
    law[codes] = 0
  }

  /// law[j] = slope · p[j] + offset for the codes.
  private func writeLine(
    slope: Double, offset: Double, _ p: UnsafePointer<Float>, _ law: UnsafeMutableBufferPointer<Float>
  ) {
    let (slope, offset) = (Float(slope), Float(offset))
    for j in 0..<codes { law[j] = slope * p[j] + offset }
  }
}
