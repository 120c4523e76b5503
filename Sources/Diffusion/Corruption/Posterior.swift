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
/// One step is s = t − 1. At s = 0 the result is the prediction itself, whatever x_t.
///
/// With `ReverseRule.plugIn` an unmasked x_t gives q(x_t | x_s = j) (ᾱ_s p_j + β̄_s Σ p) for the codes instead (VQ-DDM), normalised
/// to Σ p; from a mask both are the same.
package struct Posterior: Sendable {
  private let codes: Int
  private let before: Transition  // ᾱ_s, β̄_s, γ̄_s
  private let step: Transition  // α_{t|s}, β_{t|s}, γ_{t|s}
  private let after: Transition  // ᾱ_t, β̄_t, γ̄_t
  private let rule: ReverseRule
  private let floor: Double

  /// The posterior of x_s given x_t, 0 ≤ s < t ≤ T.
  ///
  /// - Parameter floor: what stands for the zeros of a one-hot vector. 0 is exact. The public code computes with 1e-30, which
  ///   shows only in the logarithms of probabilities below 1e-20.
  package init(_ kernel: any CorruptionKernel, from t: Int, to s: Int, floor: Double = 0) {
    codes = kernel.codes
    before = kernel.cumulative(at: s)
    step = kernel.transition(from: s, to: t)
    after = kernel.cumulative(at: t)
    // The last step draws from the prediction itself.
    rule = s == 0 ? .marginal : kernel.reverseRule
    self.floor = floor
  }

  /// Writes the K + 1 weights of x_s, the mask last; they sum to Σ p.
  ///
  /// - Parameters:
  ///   - token: x_t, a code or the mask K.
  ///   - probabilities: p(x_0 = k), K values; truncation may leave their sum below 1.
  ///   - weights: K + 1 values.
  package func write(
    token: Int32, probabilities p: UnsafePointer<Float>, into weights: UnsafeMutableBufferPointer<Float>
  ) {
    let total = RowMath.sum(p, count: codes)
    if Int(token) == codes {
      writeMasked(total: total, p, weights)
    } else if rule == .plugIn {
      writePluggedIn(code: Int(token), total: total, p, weights)
    } else {
      writeUnmasked(code: Int(token), total: total, p, weights)
    }
  }

  private func writeMasked(total: Double, _ p: UnsafePointer<Float>, _ weights: UnsafeMutableBufferPointer<Float>) {
    let quotients = total / after.mask + floor  // R
    writeLine(slope: step.mask * before.keep / after.mask, offset: step.mask * before.replace * quotients, p, weights)
    weights[codes] = Float(floor * (1 - before.mask) + before.mask * quotients)
  }

  private func writeUnmasked(
    code: Int, total: Double, _ p: UnsafePointer<Float>, _ weights: UnsafeMutableBufferPointer<Float>
  ) {
    let own = Double(p[code])
    let fromOther = after.replace + floor * after.keep  // q(x_t = code | x_0 = k), k ≠ code
    guard fromOther > 0 else {
      // Without replacement a code can only stem from itself.
      weights.update(repeating: 0)
      weights[code] = Float(total)
      return
    }
    let ownQuotient = own / (after.keep + after.replace)
    let quotients = (total - own) / fromOther + ownQuotient + floor  // R
    let otherStep = step.replace + floor * step.keep
    writeLine(slope: otherStep * before.keep / fromOther, offset: otherStep * before.replace * quotients, p, weights)
    weights[code] = Float((step.keep + step.replace) * (before.keep * ownQuotient + before.replace * quotients))
    weights[codes] = Float(floor * (floor * (1 - before.mask) + before.mask * quotients))
  }

  private func writePluggedIn(
    code: Int, total: Double, _ p: UnsafePointer<Float>, _ weights: UnsafeMutableBufferPointer<Float>
  ) {
    let own = (step.keep + step.replace) * (before.keep * Double(p[code]) + before.replace * total)
    let sum =
      step.replace * (before.keep * (total - Double(p[code])) + Double(codes - 1) * before.replace * total) + own
    guard sum > 0 else {
      // Nothing but staying is possible.
      weights.update(repeating: 0)
      weights[code] = Float(total)
      return
    }
    let factor = total / sum
    writeLine(
      slope: factor * step.replace * before.keep, offset: factor * step.replace * before.replace * total, p, weights)
    weights[code] = Float(factor * own)
    weights[codes] = 0
  }

  /// weights[j] = slope · p[j] + offset for the codes.
  private func writeLine(
    slope: Double, offset: Double, _ p: UnsafePointer<Float>, _ weights: UnsafeMutableBufferPointer<Float>
  ) {
    let (slope, offset) = (Float(slope), Float(offset))
    for j in 0..<codes { weights[j] = slope * p[j] + offset }
  }
}
