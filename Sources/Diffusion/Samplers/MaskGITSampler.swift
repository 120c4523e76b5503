import Foundation

/// Confidence sampling (Chang et al. 2022, "MaskGIT: Masked Generative Image Transformer", Section 3.2). Step i of N draws a
/// code for every masked position and keeps those with the highest confidence
///
///     log p(x_0 = drawn) + τ (1 − i/N) Gumbel
///
/// so that ⌊M cos(π/2 · i/N)⌋ of M masks are left (the cosine schedule). The noise is annealed to 0; it keeps early choices
/// from being greedy. A step that reveals nothing costs no evaluation.
package struct MaskGITSampler: MaskCountingSampler {
  package let plan: SamplingPlan
  /// Number of revealed positions and temperature of each evaluation.
  private let steps: [(quota: Int, temperature: Double)]

  /// - Parameters:
  ///   - plan: 1…L steps.
  ///   - temperature: τ, not negative.
  /// - Throws: `needsMasks`, `steps`, `choiceTemperature`.
  package init(_ plan: SamplingPlan, temperature: Double) throws(DiffusionError) {
    try plan.checkSteps(upToLengthFor: .maskGIT(temperature: temperature))
    guard temperature >= 0, temperature.isFinite else { throw .choiceTemperature(found: temperature) }
    self.plan = plan
    let quotas = Quotas.leaving(plan) { cos(.pi / 2 * $0) }
    steps = quotas.enumerated().filter { $0.element > 0 }.map { i, quota in
      (quota, temperature * (1 - Double(i + 1) / Double(quotas.count)))
    }
  }

  package var evaluations: Int { steps.count }

  package func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource) {
    let (quota, temperature) = steps[state.evaluations]
    var candidates: [(position: Int, code: Int32, confidence: Double)] = []
    for position in 0..<length where isMask(state.tokens[position]) {
      let law = UnsafeBufferPointer(start: prediction.probabilities(at: position), count: corruption.codes)
      let code = noise.categorical(law, key: state.key(.token, position: position))
      let gumbel = -log(-log(noise.uniform(state.key(.order, position: position))))
      candidates.append((position, Int32(code), log(Double(law[code])) + temperature * gumbel))
    }
    candidates.sort { ($0.confidence, $1.position) > ($1.confidence, $0.position) }
    for candidate in candidates.prefix(quota) { state.tokens[candidate.position] = candidate.code }
    state.evaluations += 1
  }
}
