import Diffusion

/// A corruption as dense matrices in double precision: the products and Bayes' rule that closed forms are tested against.
///
/// Columns are the state before, rows the state after; the last of K + 1 states is the mask.
struct DenseCorruption {
  let corruption: any Corruption
  /// Q_1…Q_T.
  private let steps: [[[Double]]]

  var codes: Int { corruption.codes }
  var states: Range<Int> { 0..<corruption.codes + 1 }

  /// Takes only ᾱ_t and γ̄_t from the corruption:
  ///
  ///     α_t = ᾱ_t / ᾱ_{t−1}        1 − γ_t = (1 − γ̄_t) / (1 − γ̄_{t−1})        β_t = (1 − α_t − γ_t) / K
  init(_ corruption: any Corruption) {
    self.corruption = corruption
    steps = (1...corruption.timesteps).map { t in
      let (before, after) = (corruption.cumulative(at: t - 1), corruption.cumulative(at: t))
      let keep = after.keep / before.keep
      let mask = 1 - (1 - after.mask) / (1 - before.mask)
      // A corruption that only masks leaves rounding noise in place of 0.
      let rest = 1 - keep - mask
      return Self.matrix(
        keep: keep, replace: rest < 1e-14 ? 0 : rest / Double(corruption.codes), mask: mask, codes: corruption.codes)
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
      if corruption.reverseRule == .plugIn, s > 0 {
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

/// The posterior's law of x_s: K + 1 probabilities.
func probabilities(of posterior: Posterior, token: Int, _ probabilities: [Double]) -> [Double] {
  let p = probabilities.map { Float($0) }
  var law = [Float](repeating: .nan, count: p.count + 1)
  law.withUnsafeMutableBufferPointer { law in
    p.withUnsafeBufferPointer { posterior.write(token: Int32(token), probabilities: $0.baseAddress!, into: law) }
  }
  return law.map(Double.init)
}
