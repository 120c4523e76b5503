/// Draws every token of x_s from p(x_s | x_t) = Σ q(x_s | x_t, x_0) p(x_0 | x_t) (Eq. 5), from x_{t_0} down to x_0.
///
/// The plan's grid gives the N + 1 visited times. N = T is plain ancestral sampling; fewer steps use the exact posterior
/// between the times, unlike the public code's fast sampling (`StridedReferenceSampler`).
package struct AncestralSampler: Sampler {
  package let plan: SamplingPlan
  /// The times t_0 > t_1 > … > 0 in the paper's index.
  private let times: [Int]
  private let posteriors: [Posterior]

  /// - Parameter plan: 1…t_0 steps.
  /// - Throws: `steps`, `timestepGrid`, `gridSteps`.
  package init(_ plan: SamplingPlan) throws(DiffusionError) {
    try plan.checkSteps(upToStartFor: .ancestral)
    self.plan = plan
    let times = try plan.timestepGrid.times(from: plan.start, steps: plan.steps, timesteps: plan.corruption.timesteps)
    self.times = times
    posteriors = zip(times, times.dropFirst()).map { Posterior(plan.corruption, from: $0, to: $1) }
  }

  package var evaluations: Int { posteriors.count }
  package var redrawsCodes: Bool { true }

  package func timestep(of state: SamplingState) -> Int? {
    state.evaluations < evaluations ? times[state.evaluations] - 1 : nil
  }

  package func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource) {
    let step = state.evaluations
    redraw(&state, posterior: posteriors[step], to: times[step + 1], prediction: prediction, noise: noise)
    state.evaluations += 1
  }
}
