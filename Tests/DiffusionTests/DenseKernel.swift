import Diffusion

/// A kernel as dense matrices in double precision: the products and Bayes' rule that closed forms are tested against.
///
/// Columns are the state before, rows the state after; the last of K + 1 states is the mask.
struct DenseKernel {
  let kernel: any CorruptionKernel
  /// Q_1…Q_T.
  private let steps: [[[Double]]]

  var codes: Int { kernel.codes }
  var states: Range<Int> { 0..<kernel.codes + 1 }

  /// Takes ᾱ_t, γ̄_t and nothing else from the kernel: α_t = ᾱ_t / ᾱ_{t−1}, 1 − γ_t = (1 − γ̄_t) / (1 − γ̄_{t−1}), β_t = (1 − α_t − γ_t) / K.
  init(_ kernel: any CorruptionKernel) {
    self.kernel = kernel
    steps = (1...kernel.timesteps).map { t in
      let (before, after) = (kernel.cumulative(at: t - 1), kernel.cumulative(at: t))
      let keep = after.keep / before.keep
      let mask = 1 - (1 - after.mask) / (1 - before.mask)
      // A kernel that only masks leaves rounding noise in place of 0.
      let rest = 1 - keep - mask
      return Self.matrix(keep: keep, replace: rest < 1e-14 ? 0 : rest / Double(kernel.codes), mask: mask, codes: kernel.codes)
    }
  }

  static func matrix(keep: Double, replace: Double, mask: Double, codes: Int) -> [[Double]] {
    (0...codes).map { after in
      (0...codes).map { before in
        if before == codes { return after == codes ? 1 : 0 }
        if after == codes { return mask }
        return replace + (after == before ? keep : 0)
      }
    }
  }

  /// Q_t ⋯ Q_{s+1}, multiplied out step by step.
  func chain(from s: Int, to t: Int) -> [[Double]] {
    let unit = states.map { i in states.map { $0 == i ? 1.0 : 0 } }
    return steps[s..<t].reduce(unit) { done, step in
      step.map { row in states.map { j in states.reduce(0) { $0 + row[$1] * done[$1][j] } } }
    }
  }

  /// p(x_s = j | x_t = token) for all tokens and j, as a function of p(x_0); 0 ≤ s < t ≤ T.
  func posterior(from t: Int, to s: Int) -> (_ token: Int, _ p: [Double]) -> [Double] {
    let (before, step, after) = (chain(from: 0, to: s), chain(from: s, to: t), chain(from: 0, to: t))
    return { token, p in
      if kernel.reverseRule == .plugIn, s > 0 {
        // q(x_s | x_t, x̂_0) with the predicted distribution x̂_0 in the place of a one-hot x_0.
        let products = states.map { j in
          step[token][j] * (0..<codes).reduce(0) { $0 + before[j][$1] * p[$1] }
        }
        return products.map { $0 / products.reduce(0, +) }
      }
      // Σ_k p_k q(x_t | x_s = j) q(x_s = j | x_0 = k) / q(x_t | x_0 = k)
      return states.map { j in
        (0..<codes).reduce(0) { sum, k in
          p[k] == 0 || after[token][k] == 0 ? sum : sum + p[k] * step[token][j] * before[j][k] / after[token][k]
        }
      }
    }
  }
}

/// The K + 1 weights that a posterior gives x_s.
func weights(of posterior: Posterior, token: Int, _ probabilities: [Double]) -> [Double] {
  let p = probabilities.map { Float($0) }
  var weights = [Float](repeating: .nan, count: p.count + 1)
  weights.withUnsafeMutableBufferPointer { weights in
    p.withUnsafeBufferPointer { posterior.write(token: Int32(token), probabilities: $0.baseAddress!, into: weights) }
  }
  return weights.map(Double.init)
}
