import Tensor

/// Where a sampling run stands after a step.
public struct SamplingProgress: Sendable {
  /// Steps done, from 1.
  public let step: Int
  /// Steps of the whole run.
  public let totalSteps: Int
  /// Sequences that the network has evaluated so far; guidance takes two per image and step.
  public let evaluations: Int
  /// Evaluations that were saved so far, because the same tokens at the same timestep under the same condition had been evaluated
  /// within the batch.
  public let reused: Int
  /// The tokens of each image, L in 0…K, K being the mask.
  public let tokens: [[Int32]]
  /// Those that the step began with, of which the network was asked.
  public let tokensBefore: [[Int32]]
  /// The clean image that the network expected before the step: at each position that was open the most probable code, elsewhere the
  /// token itself, known tokens being clean. Nil unless asked for, and for images that took no part in the step.
  public let expected: [[Int32]?]
}

/// What a sampling run does beside its sampler's rule.
package struct SamplingOptions: Sendable {
  package var temperature = 1.0
  package var truncation = Truncation.none
  /// Whether an evaluation is used again for equal tokens, timestep and condition.
  package var reusesEvaluations = true
  /// Whether progress tells the expected clean images.
  package var reportsExpected = false

  package init() {}

  /// - Throws: `temperature`, `nucleus`, `topCodes`.
  package func validate() throws(DiffusionError) {
    try PredictionSettings(temperature: temperature, truncation: truncation).validate()
  }
}

/// Takes a batch of images from noise to tokens.
///
/// A step evaluates the network once for all unfinished images, the conditional and unconditional halves of guidance
/// together, then advances the images in parallel. Where guidance is 1 there is no unconditional half. An image depends on its
/// condition and on the number that names its noise, not on the batch.
package struct SamplingLoop<D: Denoiser, Noise: NoiseSource> {
  private typealias Request = EvaluationRequest<D.Condition>

  private let denoiser: D
  private let sampler: any Sampler
  private let guidance: Guidance<D.Condition>?
  private let options: SamplingOptions
  private let noise: Noise

  /// - Throws: `denoiserCodes`, `temperature`, `nucleus`, `topCodes`.
  package init(
    denoiser: D, sampler: any Sampler, guidance: Guidance<D.Condition>?, options: SamplingOptions = SamplingOptions(),
    noise: Noise
  ) throws(DiffusionError) {
    guard denoiser.codes == sampler.kernel.codes else {
      throw .denoiserCodes(schedule: sampler.kernel.codes, found: denoiser.codes)
    }
    try options.validate()
    self.denoiser = denoiser
    self.sampler = sampler
    self.guidance = guidance.flatMap { $0.isActive ? $0 : nil }
    self.options = options
    self.noise = noise
  }

  /// Samples one image per condition.
  ///
  /// - Parameters:
  ///   - start: what each image starts from.
  ///   - conditions: B conditions.
  ///   - images: B numbers that name the images' noise.
  ///   - onStep: called after each step; may throw to stop.
  /// - Returns: B × L codes.
  /// - Throws: `startLength`, `startToken`, `gridStart`; what the denoiser or `onStep` throws; `logitsShape`, `logitsNotFinite`.
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
  /// - Returns: the expected clean images if asked for.
  private func advance(
    _ states: inout [SamplingState], _ active: [Int], _ conditions: [D.Condition], _ evaluator: inout Evaluator<D>,
    by sampler: some Sampler
  ) throws -> [[Int32]?] {
    let timesteps = active.compactMap { sampler.timestep(of: states[$0]) }
    let scales = timesteps.map { guidance?.scale(atTimestep: $0, of: sampler.kernel.timesteps) ?? 1 }
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
        ThreadPool.shared.parallelFor(active.count) { row in
          let prediction = Prediction(
            logits: answers[row].rows, unconditional: unconditional[row].map { answers[$0].rows },
            settings: PredictionSettings(
              guidanceScale: scales[row], temperature: options.temperature, truncation: options.truncation),
            codes: denoiser.codes)
          let index = active[row]
          if options.reportsExpected { expected[index] = expectedImage(states[index], prediction, sampler) }
          sampler.advance(&states[index], prediction: prediction, noise: noise)
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
