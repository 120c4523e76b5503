import Diffusion
import Foundation
import Tensor

/// Logarithms of predictions and posteriors are not let below this, as in the public code: e^−70 = 4e-31.
let leastLogarithm = -70.0
/// e^−70
let leastProbability = exp(leastLogarithm)

/// The terms of the loss at one position, and their derivative. K codes; c is x_t where it isn't masked.
///
/// Bounds on logarithms let no derivative through below −70. The bound above, 0, cuts rounding only and doesn't count.
struct PositionLoss {
  /// KL(q(x_{t−1} | x_t, x_0) ‖ p(x_{t−1} | x_t))
  private(set) var divergence = 0.0
  /// −log p(x_{t−1} = x_0 | x_t)
  private(set) var decoder = 0.0
  /// −log p(x_0 | x_t)
  private(set) var auxiliary = 0.0

  private let law: ReverseLaw
  private let clean: Int
  private let own: Int?
  private let logSum: Double
  private let total: Double
  /// p(x_{t−1} | x_t)
  private let weights: ReverseProbabilities
  /// q(x_{t−1} | x_t, x_0)
  private let truth: ReverseProbabilities

  /// Computes the terms.
  ///
  /// - Parameters:
  ///   - token: x_t, a code or the mask K.
  ///   - logits: K values.
  ///   - p: K values, which become p(x_0 = k | x_t), for `writeGradient`.
  init(
    clean: Int, token: Int, law: ReverseLaw, logits: UnsafePointer<Float>, probabilities p: UnsafeMutablePointer<Double>
  ) {
    self.law = law
    self.clean = clean
    own = token == law.codes ? nil : token
    logSum = LogSoftmax.probabilities(logits, count: law.codes, into: p)
    var total = 0.0
    for k in 0..<law.codes {
      p[k] = max(p[k], leastProbability)
      total += p[k]
    }
    self.total = total
    weights = ReverseProbabilities(law, own: own.map { p[$0] }, total: total)
    truth = ReverseProbabilities(law, own: own.map { $0 == clean ? 1 : 0 }, total: 1)
    auxiliary = -max(Double(logits[clean]) - logSum, leastLogarithm)
    decoder = -Self.bounded(weight(clean, p))
    divergence = Self.divergence(truth.mask, weights.mask)
    // Most codes have the same target, whose logarithm is taken once.
    let other = truth.code(0)
    let logOther = Self.bounded(other)
    for j in 0..<law.codes {
      if j == own || j == clean {
        divergence += Self.divergence(target(j), weight(j, p))
      } else if other >= Self.negligible {
        divergence += other * (logOther - Self.bounded(weights.code(p[j])))
      }
    }
  }

  /// Writes the derivative of a · KL + b · decoder + c · auxiliary with respect to the logits.
  ///
  /// - Parameters:
  ///   - logits: K values; `row` may be the same memory.
  ///   - p: as `init` left it.
  ///   - scratch: K values.
  func writeGradient(
    divergence a: Double, decoder b: Double, auxiliary c: Double, logits: UnsafePointer<Float>,
    probabilities p: UnsafePointer<Double>, scratch h: UnsafeMutablePointer<Double>, into row: UnsafeMutablePointer<Float>
  ) {
    let codes = law.codes
    let mask = writeDerivatives(divergence: a, decoder: b, p, into: h)
    let mean = law.isNormalized ? meanDerivative(h, mask, p) : 0
    var others = 0.0
    for j in 0..<codes where j != own { others += weights.factor * (h[j] - mean) }
    let mine = own.map { weights.factor * (h[$0] - mean) } ?? 0
    let masked = weights.factor * (mask - mean)
    let toOthers = law.other * others + law.become * mine + law.mask * masked + mean
    let toOwn = law.fromOwn * others + law.stay * mine + law.maskFromOwn * masked + mean

    // With respect to log p_k first, then through log-softmax.
    var sum = 0.0
    for k in 0..<codes {
      let direct = k == own ? toOwn : law.slope * weights.factor * (h[k] - mean) + toOthers
      let isBounded = Double(logits[k]) - logSum < leastLogarithm
      h[k] = isBounded ? 0 : p[k] * direct - (k == clean ? c : 0)
      sum += h[k]
    }
    for k in 0..<codes {
      let probability = p[k] > leastProbability ? p[k] : exp(Double(logits[k]) - logSum)
      row[k] = Float(h[k] - probability * sum)
    }
  }

  /// Writes ∂/∂w_j for the codes; returns it for the mask.
  private func writeDerivatives(
    divergence a: Double, decoder b: Double, _ p: UnsafePointer<Double>, into h: UnsafeMutablePointer<Double>
  ) -> Double {
    for j in 0..<law.codes {
      h[j] = Self.derivative(a * target(j) + (j == clean ? b : 0), weight(j, p))
    }
    return Self.derivative(a * truth.mask, weights.mask)
  }

  /// Σ h_j w_j / T, by which normalising to T changes the derivative.
  private func meanDerivative(
    _ h: UnsafePointer<Double>, _ mask: Double, _ p: UnsafePointer<Double>
  ) -> Double {
    var sum = mask * weights.mask
    for j in 0..<law.codes { sum += h[j] * weight(j, p) }
    return sum / total
  }

  private func weight(_ j: Int, _ p: UnsafePointer<Double>) -> Double { j == own ? weights.own : weights.code(p[j]) }

  private func target(_ j: Int) -> Double { j == own ? truth.own : truth.code(j == clean ? 1 : 0) }

  /// log w within −70…0.
  private static func bounded(_ w: Double) -> Double { min(max(log(w), leastLogarithm), 0) }

  /// What is this improbable adds less than rounding: its logarithm is −70 at least.
  private static let negligible = 1e-25

  private static func divergence(_ target: Double, _ weight: Double) -> Double {
    target < negligible ? 0 : target * (bounded(target) - bounded(weight))
  }

  /// −target / w, 0 where log w is bounded.
  private static func derivative(_ target: Double, _ weight: Double) -> Double {
    target < negligible || weight < leastProbability ? 0 : -target / weight
  }
}

enum LogSoftmax {
  /// Writes softmax(x) in double precision to p; returns log Σ exp(x).
  static func probabilities(_ x: UnsafePointer<Float>, count: Int, into p: UnsafeMutablePointer<Double>) -> Double {
    let largest = Double(RowMath.maximum(x, count: count))
    var sum = 0.0
    for k in 0..<count {
      p[k] = exp(Double(x[k]) - largest)
      sum += p[k]
    }
    for k in 0..<count { p[k] /= sum }
    return largest + log(sum)
  }
}
