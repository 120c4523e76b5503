import Foundation

/// How often revealed tokens are masked again (Wang et al. 2025, "Remasking Discrete Diffusion Models with Inference-Time
/// Scaling", ReMDM, Section 4.1). σ_max = min(1, (1 − α_s) / α_t) is the largest probability that keeps the marginals.
public enum Remasking: Sendable, Equatable {
  /// σ = min(η, σ_max).
  case cap(Double)
  /// σ = η σ_max.
  case rescale(Double)
  /// σ_i = σ_max · softmax_i(−ψ): doubtful tokens are masked first. ψ_i is the probability with which token i was drawn,
  /// p / Σ p of its law after truncation, and 1 for the tokens of a given image.
  case confidence
}

/// ReMDM: revealed tokens may be masked again and drawn anew, so that more evaluations mean better images. From time t to s <
/// t, with α_t = 1 − γ̄_t,
///
///     an unmasked token is masked with probability σ
///     a masked one is revealed with probability (α_s − (1 − σ) α_t) / (1 − α_t), with a code from p(x_0 | x_t)
///
/// (the paper's Eq. 7 and 8). Time is continuous, so any number of steps is allowed.
package struct RemaskingSampler: Sampler {
  package let plan: SamplingPlan
  private let remasking: Remasking
  /// t_0 > t_1 > … > 0.
  private let times: [Double]

  /// The largest number of steps.
  package static let largestSteps = 100_000

  /// - Parameters:
  ///   - plan: any positive number of steps.
  ///   - remasking: η in 0…1.
  /// - Throws: `needsMasks`, `steps`, `remaskingStrength`, `timestepGrid`, `gridSteps`.
  package init(_ plan: SamplingPlan, remasking: Remasking) throws(DiffusionError) {
    let method = SamplingMethod.remasking(remasking)
    try plan.checkMasks(for: method)
    guard (1...Self.largestSteps).contains(plan.steps) else {
      throw .steps(sampler: method.name, allowed: 1...Self.largestSteps, of: "any image", found: plan.steps)
    }
    switch remasking {
    case .cap(let strength), .rescale(let strength):
      guard strength >= 0, strength <= 1 else { throw .remaskingStrength(found: strength) }
    case .confidence: break
    }
    self.plan = plan
    self.remasking = remasking
    times = try plan.timestepGrid.continuousTimes(
      from: plan.start, steps: plan.steps, timesteps: plan.corruption.timesteps)
  }

  package var evaluations: Int { times.count - 1 }

  package func timestep(of state: SamplingState) -> Int? {
    guard state.evaluations < evaluations else { return nil }
    return max(1, Int(times[state.evaluations].rounded())) - 1
  }

  package func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource) {
    let alphaT = 1 - corruption.cumulativeMask(at: times[state.evaluations])
    let alphaS = 1 - corruption.cumulativeMask(at: times[state.evaluations + 1])
    let largest = alphaT > 0 ? min(1, (1 - alphaS) / alphaT) : 1
    let needsConfidences = remasking == .confidence
    // Codes of a given image weren't drawn; they count as certain.
    if needsConfidences, state.confidences.isEmpty { state.confidences = Array(repeating: 1, count: length) }
    let sigmas = remaskingProbabilities(of: state, largest: largest)
    for position in 0..<length where !state.isKnown(position) {
      let draw = noise.uniform(state.key(.order, position: position))
      if !isMask(state.tokens[position]) {
        if draw < sigmas[position] { state.tokens[position] = Int32(corruption.codes) }
      } else if draw * (1 - alphaT) < alphaS - (1 - sigmas[position]) * alphaT {
        let confidence = reveal(position, of: &state, prediction: prediction, noise: noise)
        if needsConfidences { state.confidences[position] = confidence }
      }
    }
    state.evaluations += 1
  }

  /// σ of every position.
  private func remaskingProbabilities(of state: SamplingState, largest: Double) -> [Double] {
    switch remasking {
    case .cap(let strength): return Array(repeating: min(strength, largest), count: length)
    case .rescale(let strength): return Array(repeating: strength * largest, count: length)
    case .confidence:
      let doubts = (0..<length).map { position in
        isMask(state.tokens[position]) || state.isKnown(position) ? 0 : exp(-Double(state.confidences[position]))
      }
      let sum = doubts.reduce(0, +)
      return doubts.map { sum > 0 ? largest * $0 / sum : 0 }
    }
  }
}
