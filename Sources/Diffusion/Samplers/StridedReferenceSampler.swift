/// The public code's fast sampling (microsoft/VQ-Diffusion, `sample_fast`), kept for comparison: every (skip + 1)-th timestep is visited,
/// and the *one-step* posterior of an earlier time, t − skip, is applied to x_t as if it were x_{t − skip}. `AncestralSampler` with fewer
/// steps takes the exact posterior instead.
///
/// The network's timesteps are T − 1, T − 1 − (skip + 1), …; 0 is appended if missed. The posterior is taken at t − skip where t > skip,
/// else at t.
package struct StridedReferenceSampler: Sampler {
  package let plan: SamplingPlan
  private let timesteps: [Int]
  private let posteriors: [Posterior]
  private let reached: [Int]

  /// - Parameters:
  ///   - plan: its steps must be those of a skip, `steps(ofSkip:timesteps:)`; it starts at T.
  /// - Throws: `steps`, `strides`, `needsFullStart`.
  package init(_ plan: SamplingPlan) throws(DiffusionError) {
    let timesteps = plan.kernel.timesteps
    guard plan.start == timesteps else { throw .needsFullStart(sampler: SamplingMethod.Name.stridedReference.rawValue) }
    try plan.checkSteps(upToStartFor: .stridedReference)
    guard let skip = (0..<timesteps).first(where: { Self.steps(ofSkip: $0, timesteps: timesteps) == plan.steps }) else {
      throw .strides(possible: Self.possibleSteps(timesteps: timesteps), found: plan.steps)
    }
    self.init(plan, skip: skip)
  }

  /// - Parameter skip: timesteps left out between two evaluations.
  package init(_ plan: SamplingPlan, skip: Int) {
    self.plan = plan
    var visited = Array(stride(from: plan.kernel.timesteps - 1, through: 0, by: -(skip + 1)))
    if visited.last != 0 { visited.append(0) }
    timesteps = visited
    let kernel = plan.kernel
    reached = visited.map { $0 > skip ? $0 - skip : $0 }
    posteriors = reached.map { Posterior(kernel, from: $0 + 1, to: $0) }
  }

  /// The numbers of evaluations that skips lead to, from the smallest up.
  static func possibleSteps(timesteps: Int) -> [Int] {
    Set((0..<timesteps).map { steps(ofSkip: $0, timesteps: timesteps) }).sorted()
  }

  /// Evaluations that a skip leads to.
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
