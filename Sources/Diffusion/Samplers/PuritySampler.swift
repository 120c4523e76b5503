/// Purity-prior sampling (Algorithm 2): each evaluation reveals some masked positions, chosen with probability proportional
/// to purity = max_k p(x_0 = k | x_t) (Eq. 8), with codes from softmax((1 + purity · r) log p(x_0)) (Eq. 11); revealed
/// tokens stay.
///
/// The number of positions follows the schedule (`Quotas.following`). A step that reveals nothing costs no evaluation.
package struct PuritySampler: MaskCountingSampler {
  package let plan: SamplingPlan
  private let weight: Float  // r
  private let quotas: [Int]

  /// - Parameters:
  ///   - plan: 1…L steps.
  ///   - weight: r in 0…`largestWeight`; the paper uses 0.5 to 2.
  /// - Throws: `needsMasks`, `steps`, `purityWeight`.
  package init(_ plan: SamplingPlan, weight: Double) throws(DiffusionError) {
    try plan.checkSteps(upToLengthFor: .purity(weight: weight))
    try Self.check(weight: weight)
    self.plan = plan
    self.weight = Float(weight)
    quotas = Quotas.following(plan).filter { $0 > 0 }
  }

  /// Largest weight. At this weight the most probable code has all the probability; more would only risk overflow.
  static let largestWeight = 10_000.0

  /// - Throws: `purityWeight` unless the weight lies in 0…`largestWeight`.
  static func check(weight: Double) throws(DiffusionError) {
    guard weight >= 0, weight <= largestWeight else { throw .purityWeight(largest: largestWeight, found: weight) }
  }

  package var evaluations: Int { quotas.count }

  package func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource) {
    let purity = state.tokens.indices.map { isMask(state.tokens[$0]) ? prediction.purity(at: $0) : 0 }
    let chosen = choose(quotas[state.evaluations], scores: purity, of: state, noise: noise)
    reveal(chosen, of: &state, prediction: prediction, noise: noise) { 1 + weight * purity[$0] }
    state.evaluations += 1
  }
}
