/// The public code's fast sampling (microsoft/VQ-Diffusion, `sample_fast`), kept for comparison. It visits every (skip + 1)-th
/// timestep and applies the *one-step* posterior of an earlier time, t − skip, to x_t as if that were x_{t − skip}.
/// `AncestralSampler` with fewer steps takes the exact posterior instead.
///
/// The network's timesteps are T − 1, T − 1 − (skip + 1), …, 0; the last step may be shorter. The posterior is that of
/// t − skip where t > skip, else that of t.
package struct StridedReferenceSampler: Sampler {
  package let plan: SamplingPlan
  private let timesteps: [Int]
  private let posteriors: [Posterior]
  private let reached: [Int]

  /// - Parameter plan: starts at T, with the steps of some skip (`steps(ofSkip:timesteps:)`).
  /// - Throws: `steps`, `strides`, `needsFullStart`.
  package init(_ plan: SamplingPlan) throws(DiffusionError) {
    let timesteps = plan.corruption.timesteps
    guard plan.start == timesteps else { throw .needsFullStart(sampler: SamplingMethod.stridedReference.name) }
    try plan.checkSteps(upToStartFor: .stridedReference)
    guard let skip = (0..<timesteps).first(where: { Self.steps(ofSkip: $0, timesteps: timesteps) == plan.steps }) else {
      throw .strides(possible: Self.possibleSteps(timesteps: timesteps), found: plan.steps)
    }
    self.init(plan, skip: skip)
  }

  /// - Parameter skip: timesteps left out between two evaluations.
  package init(_ plan: SamplingPlan, skip: Int) {
    self.plan = plan
    var visited = Array(stride(from: plan.corruption.timesteps - 1, through: 0, by: -(skip + 1)))
    if visited.last != 0 { visited.append(0) }
    timesteps = visited
    let corruption = plan.corruption
    reached = visited.map { $0 > skip ? $0 - skip : $0 }
    posteriors = reached.map { Posterior(corruption, from: $0 + 1, to: $0) }
  }

  /// Numbers of evaluations that skips give, in rising order.
  static func possibleSteps(timesteps: Int) -> [Int] {
    Set((0..<timesteps).map { steps(ofSkip: $0, timesteps: timesteps) }).sorted()
  }

  /// Number of evaluations that a skip gives.
  static func steps(ofSkip skip: Int, timesteps: Int) -> Int {
    let visited = (timesteps - 1) / (skip + 1) + 1
    return (timesteps - 1).isMultiple(of: skip + 1) ? visited : visited + 1
  }

  package var evaluations: Int { timesteps.count }
  package var redrawsCodes: Bool { true }

  package func timestep(of state: SamplingState) -> Int? {
    state.evaluations < evaluations ? timesteps[state.evaluations] : nil
  }

  package func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource) {
    let step = state.evaluations
    redraw(&state, posterior: posteriors[step], to: reached[step], prediction: prediction, noise: noise)
    state.evaluations += 1
  }
}
