/// Draws every token of x_s from p(x_s | x_t) = Σ q(x_s | x_t, x_0) p(x_0 | x_t) (Eq. 5), from x_T down to x_0.
///
/// With N steps the times are round(T (1 − i/N)): N = T is plain ancestral sampling, fewer steps use the exact posterior
/// between the times, not the one-step posterior that the public code's fast sampling takes.
package struct AncestralSampler: Sampler {
  package let schedule: MaskAndReplaceSchedule
  package let length: Int
  /// The times t_0 > t_1 > … > 0 in the paper's index.
  private let times: [Int]
  private let posteriors: [Posterior]

  /// - Parameters:
  ///   - length: L.
  ///   - steps: N in 1…t_0.
  ///   - start: t_0 in 1…T, T by default. For a smaller one use `initialState(corrupting:image:noise:)`.
  /// - Throws: `length`, `startTimestep`, `steps`.
  package init(
    _ schedule: MaskAndReplaceSchedule, length: Int, steps: Int, start: Int? = nil
  ) throws(DiffusionError) {
    guard length >= 1 else { throw .length(found: length) }
    let start = start ?? schedule.timesteps
    guard (1...schedule.timesteps).contains(start) else {
      throw .startTimestep(allowed: 1...schedule.timesteps, found: start)
    }
    guard (1...start).contains(steps) else {
      throw .steps(sampler: "ancestral", allowed: 1...start, of: "\(start) timesteps", found: steps)
    }
    self.schedule = schedule
    self.length = length
    times = Self.grid(from: start, steps: steps)
    posteriors = zip(times, times.dropFirst()).map { Posterior(schedule, from: $0, to: $1) }
  }

  package var evaluations: Int { posteriors.count }

  /// x_{t_0} drawn from q(x_t | x_0) for a given image.
  ///
  /// - Parameter tokens: L codes.
  /// - Throws: `startLength`, `startToken`.
  package func initialState(
    corrupting tokens: [Int32], image: Int, noise: some NoiseSource
  ) throws(DiffusionError) -> SamplingState {
    guard tokens.count == length else { throw .startLength(expected: length, found: tokens.count) }
    if let position = tokens.firstIndex(where: { $0 < 0 || Int($0) >= schedule.codes }) {
      throw .startToken(codes: schedule.codes, position: position, found: tokens[position])
    }
    var state = SamplingState(tokens: tokens, image: image)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: schedule.codes + 1) { weights in
      for position in 0..<length {
        schedule.writeCorruption(of: tokens[position], at: times[0], into: weights)
        let key = state.key(.corruption, position: position)
        state.tokens[position] = Int32(noise.categorical(UnsafeBufferPointer(weights), key: key))
      }
    }
    return state
  }

  package func timestep(of state: SamplingState) -> Int? {
    state.evaluations < evaluations ? times[state.evaluations] - 1 : nil
  }

  package func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource) {
    redraw(&state, posterior: posteriors[state.evaluations], prediction: prediction, noise: noise)
    state.evaluations += 1
  }

  /// round(start (1 − i/N)) for i = 0…N, in whole numbers.
  static func grid(from start: Int, steps: Int) -> [Int] {
    (0...steps).map { (2 * start * (steps - $0) + steps) / (2 * steps) }
  }
}
