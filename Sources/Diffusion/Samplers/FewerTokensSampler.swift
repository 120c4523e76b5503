/// Fewer-tokens sampling (Algorithm 1): each evaluation reveals a fixed number of random masked positions, with codes from
/// p(x_0 | x_t). Revealed tokens stay.
///
/// The numbers differ by one where the masks aren't a multiple of the steps, so that exactly `steps` evaluations reveal all.
package struct FewerTokensSampler: MaskCountingSampler {
  package let plan: SamplingPlan
  private let quotas: [Int]

  /// - Parameter plan: 1…L steps.
  /// - Throws: `needsMasks`, `steps`.
  package init(_ plan: SamplingPlan) throws(DiffusionError) {
    try plan.checkSteps(upToLengthFor: .fewerTokens)
    self.plan = plan
    quotas = Quotas.even(length: plan.masks, steps: min(plan.steps, plan.masks))
  }

  package var evaluations: Int { quotas.count }

  package func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource) {
    let scores = state.tokens.map { isMask($0) ? Float(1) : 0 }
    let chosen = choose(quotas[state.evaluations], scores: scores, of: state, noise: noise)
    reveal(chosen, of: &state, prediction: prediction, noise: noise) { _ in 1 }
    state.evaluations += 1
  }
}
