/// Fewer-tokens sampling (Algorithm 1): each evaluation reveals a fixed number of masked positions, chosen at random, with
/// codes from p(x_0 | x_t); revealed tokens stay.
///
/// Where L isn't a multiple of the number of steps the numbers differ by one, so that exactly `steps` evaluations reveal all.
package struct FewerTokensSampler: Sampler {
  package let schedule: MaskAndReplaceSchedule
  package let length: Int
  private let quotas: [Int]

  /// - Parameters:
  ///   - length: L.
  ///   - steps: 1…L.
  /// - Throws: `length`, `steps`.
  package init(_ schedule: MaskAndReplaceSchedule, length: Int, steps: Int) throws(DiffusionError) {
    guard length >= 1 else { throw .length(found: length) }
    guard (1...length).contains(steps) else {
      throw .steps(sampler: "fewer-tokens", allowed: 1...length, of: "\(length) tokens", found: steps)
    }
    self.schedule = schedule
    self.length = length
    quotas = Quotas.even(length: length, steps: steps)
  }

  package var evaluations: Int { quotas.count }

  package func timestep(of state: SamplingState) -> Int? {
    state.evaluations < evaluations ? timestepByMaskCount(state) : nil
  }

  package func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource) {
    let scores = state.tokens.map { isMask($0) ? Float(1) : 0 }
    let chosen = choose(quotas[state.evaluations], scores: scores, of: state, noise: noise)
    reveal(chosen, of: &state, prediction: prediction, noise: noise) { _ in 1 }
    state.evaluations += 1
  }
}
