import Diffusion
import Foundation
import Tensor
import TrainingCore

/// The loss of one position by matrices and Bayes' rule, in double precision.
struct LossOracle {
  let corruption: any Corruption
  let settings: VariationalLossSettings

  /// A position's terms.
  struct Terms {
    var divergence: Double
    var decoder: Double
    var auxiliary: Double
  }

  func terms(logits: [Double], clean: Int, token: Int, timestep: Int) -> Terms {
    let largest = logits.max() ?? 0
    let logSum = largest + log(logits.reduce(0) { $0 + exp($1 - largest) })
    let logs = logits.map { max($0 - logSum, -70) }
    let model = posterior(logs.map { exp($0) }, token: token, timestep: timestep)
    let truth = posterior(logs.indices.map { $0 == clean ? 1 : 0 }, token: token, timestep: timestep)
    let divergence = zip(truth, model).reduce(0) { sum, pair in
      pair.0 == 0 ? sum : sum + pair.0 * (bounded(pair.0) - bounded(pair.1))
    }
    return Terms(divergence: divergence, decoder: -bounded(model[clean]), auxiliary: -logs[clean])
  }

  /// What the position adds to a sample's loss before it is divided by p_t.
  func weighted(logits: [Double], clean: Int, token: Int, timestep: Int) -> Double {
    let terms = terms(logits: logits, clean: clean, token: token, timestep: timestep)
    let adaptive = settings.isAdaptive ? 2 - Double(timestep) / Double(corruption.timesteps) : 1
    let factor = adaptive * settings.auxiliaryWeight
    if timestep == 0 { return terms.decoder * (1 + factor) }
    let weight = token == corruption.codes ? settings.maskedWeight : settings.unmaskedWeight
    return weight * (terms.divergence + factor * terms.auxiliary)
  }

  /// ∂ weighted / ∂ logits by central differences of fourth order.
  func gradient(logits: [Double], clean: Int, token: Int, timestep: Int) -> [Double] {
    func value(_ k: Int, _ change: Double) -> Double {
      var moved = logits
      moved[k] += change
      return weighted(logits: moved, clean: clean, token: token, timestep: timestep)
    }
    let h = 1e-3
    return logits.indices.map { k in
      (8 * (value(k, h) - value(k, -h)) - (value(k, 2 * h) - value(k, -2 * h))) / (12 * h)
    }
  }

  private func bounded(_ w: Double) -> Double { min(max(log(w), -70), 0) }

  /// p(x_{t−1} | x_t) of a prediction, normalised: where x_t rules codes out the others share what is left.
  private func posterior(_ p: [Double], token: Int, timestep: Int) -> [Double] {
    let (codes, t) = (corruption.codes, timestep + 1)
    let (before, after) = (corruption.cumulative(at: t - 1), corruption.cumulative(at: t))
    let step = corruption.transition(from: t - 1, to: t)
    let reaches = (0...codes).map { chance(of: token, after: $0, step) }
    let weights = (0...codes).map { j in
      (0..<codes).reduce(0.0) { sum, k in
        let evidence = corruption.reverseRule == .plugIn && t > 1 ? 1 : chance(of: token, after: k, after)
        return evidence == 0 ? sum : sum + p[k] * reaches[j] * chance(of: j, after: k, before) / evidence
      }
    }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  /// The entry of a transition's matrix.
  private func chance(of state: Int, after earlier: Int, _ transition: Transition) -> Double {
    if earlier == corruption.codes { return state == corruption.codes ? 1 : 0 }
    if state == corruption.codes { return transition.mask }
    return transition.replace + (state == earlier ? transition.keep : 0)
  }
}

/// Seeded numbers in a row.
struct LossNumbers {
  private let philox: Philox
  private var count: UInt32 = 0

  init(seed: UInt64) { philox = Philox(seed: seed) }

  mutating func uniform() -> Double {
    count += 1
    return philox.uniform(SIMD4(count, 0, 0, 78))
  }

  /// Uniform within ±spread.
  mutating func logits(_ count: Int, spread: Double) -> [Float] {
    (0..<count).map { _ in Float(spread * (2 * uniform() - 1)) }
  }

  mutating func code(_ codes: Int) -> Int32 { Int32(uniform() * Double(codes)) }
}

/// The corruptions to test with: every kind, with odd numbers of codes, and strong enough that no term is negligible.
enum LossKernels: String, CaseIterable {
  case released, strong, absorbing, uniform, plugIn

  func corruption(codes: Int) throws -> any Corruption {
    switch self {
    case .released: try MaskAndReplaceCorruption(timesteps: 7, codes: codes)
    case .strong:
      try MaskAndReplaceCorruption(timesteps: 7, codes: codes, alpha1: 0.9, alphaT: 0.1, gamma1: 0.05, gammaT: 0.6)
    case .absorbing: try AbsorbingCorruption(timesteps: 7, codes: codes)
    case .uniform: try UniformCorruption(timesteps: 7, codes: codes)
    case .plugIn: try UniformCorruption(timesteps: 7, codes: codes, reverseRule: .plugIn)
    }
  }
}
