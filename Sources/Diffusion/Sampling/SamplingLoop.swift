import Tensor

/// State of a sampling run after a step.
public struct SamplingProgress: Sendable {
  /// Number of the step, from 1.
  public let step: Int
  /// Steps of the whole run.
  public let totalSteps: Int
  /// Sequences evaluated by the network so far; guidance takes two per image and step.
  public let evaluations: Int
  /// Evaluations saved so far, because the batch had the answer for the same tokens and condition and, if the denoiser reads
  /// it, the same timestep.
  public let reused: Int
  /// Tokens of each image, L in 0…K, K being the mask.
  public let tokens: [[Int32]]
  /// Tokens before the step, which the network evaluated.
  public let tokensBefore: [[Int32]]
  /// The clean image that the network expected before the step: the most probable code at each open position, elsewhere the
  /// token itself (known tokens clean). Nil unless requested, and for images that took no part in the step.
  public let expected: [[Int32]?]
}

/// Options of a sampling run that don't change its images.
package struct SamplingOptions: Sendable {
  /// Whether an evaluation serves all requests with equal tokens, timestep and condition.
  package var reusesEvaluations: Bool
  /// Whether `SamplingProgress.expected` is computed.
  package var reportsExpected: Bool

  package init(reusesEvaluations: Bool = true, reportsExpected: Bool = false) {
    (self.reusesEvaluations, self.reportsExpected) = (reusesEvaluations, reportsExpected)
  }
}

/// Takes a batch of images from noise to tokens.
///
/// A step evaluates the network once for all unfinished images, the conditional and unconditional halves of guidance
/// together, then advances the images in parallel. Where guidance is 1 there is no unconditional half. An image depends on its
/// condition and its noise number, not on the batch.
package struct SamplingLoop<D: Denoiser, Noise: NoiseSource> {
  private typealias Request = EvaluationRequest<D.Condition>

  private let denoiser: D
  private let sampler: any Sampler
  private let guidance: Guidance<D.Condition>?
  private let settings: SamplingSettings
  private let options: SamplingOptions
  private let noise: Noise

  /// - Parameters:
  ///   - sampler: made from the settings, `SamplingSettings.sampler`.
  ///   - guidance: the settings' scale and schedule with the unconditional condition; nil for none.
  ///   - settings: gives the temperature and truncation of the predictions.
  /// - Throws: `denoiserCodes` and the errors of `SamplingSettings.validate`.
  package init(
    denoiser: D, sampler: any Sampler, guidance: Guidance<D.Condition>?, settings: SamplingSettings,
    options: SamplingOptions = SamplingOptions(), noise: Noise
  ) throws(DiffusionError) {
    guard denoiser.codes == sampler.corruption.codes else {
      throw .denoiserCodes(schedule: sampler.corruption.codes, found: denoiser.codes)
    }
    try settings.validate()
    self.denoiser = denoiser
    self.sampler = sampler
    self.guidance = guidance.flatMap { $0.isActive ? $0 : nil }
    self.settings = settings
    self.options = options
    self.noise = noise
  }

  /// Samples one image per condition.
  ///
  /// - Parameters:
  ///   - start: what each image starts from.
  ///   - conditions: B conditions.
  ///   - images: B noise numbers.
  ///   - onStep: called after each step; stops the run by throwing.
  /// - Returns: B × L codes.
  /// - Throws: `startLength`, `startToken`, `gridStart`, `logitsShape`, `logitsNotFinite`, errors of the denoiser and of
  ///   `onStep`.
  package func run(
    from start: SamplingStart = .noise, conditions: [D.Condition], images: [Int],
    onStep: (SamplingProgress) throws -> Void = { _ in }
  ) throws -> [[Int32]] {
    let states = try images.map { image throws(DiffusionError) in
      try sampler.initialState(from: start, image: image, noise: noise)
    }
    return try run(states, conditions: conditions, onStep: onStep)
  }

  /// Samples from given states; otherwise as `run(from:conditions:images:onStep:)`.
  package func run(
    _ states: [SamplingState], conditions: [D.Condition], onStep: (SamplingProgress) throws -> Void = { _ in }
  ) throws -> [[Int32]] {
    precondition(states.count == conditions.count, "\(states.count) images, \(conditions.count) conditions")
    var states = states
    var step = 0
    let totalSteps = states.map { sampler.evaluations - $0.evaluations }.max() ?? 0
    var evaluator = Evaluator(
      denoiser: denoiser, length: sampler.length, masksOnly: sampler.readsMaskedOnly, reuses: options.reusesEvaluations)
    while true {
      let active = states.indices.filter { sampler.timestep(of: states[$0]) != nil }
      if active.isEmpty { return states.map(\.tokens) }
      let before = states.map(\.tokens)
      let expected = try advance(&states, active, conditions, &evaluator, by: sampler)
      step += 1
      try onStep(
        SamplingProgress(
          step: step, totalSteps: totalSteps, evaluations: evaluator.evaluations, reused: evaluator.hits,
          tokens: states.map(\.tokens), tokensBefore: before, expected: expected))
    }
  }

  /// One step of the active images.
  ///
  /// - Returns: the expected clean images if requested.
  private func advance(
    _ states: inout [SamplingState], _ active: [Int], _ conditions: [D.Condition], _ evaluator: inout Evaluator<D>,
    by sampler: some Sampler
  ) throws -> [[Int32]?] {
    let timesteps = active.compactMap { sampler.timestep(of: states[$0]) }
    let scales = timesteps.map { guidance?.scale(atTimestep: $0, of: sampler.corruption.timesteps) ?? 1 }
    var requests = zip(active, timesteps).map {
      Request(tokens: states[$0].tokens, timestep: $1, condition: conditions[$0])
    }
    var unconditional = [Int?](repeating: nil, count: active.count)
    if let guidance {
      for row in active.indices where scales[row] != 1 {
        unconditional[row] = requests.count
        requests.append(
          Request(tokens: requests[row].tokens, timestep: timesteps[row], condition: guidance.unconditional))
      }
    }
    let answers = try evaluator.answers(to: requests)
    for row in active.indices where !answers[row].isFinite || !(unconditional[row].map { answers[$0].isFinite } ?? true) {
      throw DiffusionError.logitsNotFinite(image: states[active[row]].image, timestep: timesteps[row])
    }
    var expected = [[Int32]?](repeating: nil, count: states.count)
    states.withUnsafeMutableBufferPointer { states in
      expected.withUnsafeMutableBufferPointer { expected in
        guard let states = SharedPointer(states), let expected = SharedPointer(expected) else { return }
        ThreadPool.shared.parallelFor(active.count) { [unconditional] row in
          let prediction = Prediction(
            logits: answers[row].rows, unconditional: unconditional[row].map { answers[$0].rows },
            guidanceScale: scales[row], settings: settings, codes: denoiser.codes)
          let index = active[row]
          let state = states + index
          if options.reportsExpected { expected.pointer[index] = expectedImage(state.pointee, prediction, sampler) }
          sampler.advance(&state.pointee, prediction: prediction, noise: noise)
        }
      }
    }
    withExtendedLifetime(answers) {}
    return expected
  }

  private func expectedImage(_ state: SamplingState, _ prediction: Prediction, _ sampler: some Sampler) -> [Int32] {
    state.tokens.indices.map { position in
      // The token itself may be noisy where tokens are only replaced.
      if let code = state.known?.codes[position] { return code }
      let isOpen = !sampler.readsMaskedOnly || sampler.isMask(state.tokens[position])
      return isOpen ? prediction.mostProbable(at: position) : state.tokens[position]
    }
  }
}
