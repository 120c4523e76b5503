import Tensor

/// Where a sampling run stands after a step.
public struct SamplingProgress: Sendable {
  /// Steps done, from 1.
  public let step: Int
  /// Steps of the whole run.
  public let totalSteps: Int
  /// Rows that the network has evaluated so far; guidance takes two per image and step.
  public let evaluations: Int
  /// The tokens of each image, L in 0…K, K being the mask.
  public let tokens: [[Int32]]
}

/// Takes a batch of images from noise to tokens.
///
/// A step evaluates the network once for all unfinished images, the conditional and unconditional halves of guidance
/// together, then advances the images in parallel. An image depends on its condition and on the number that names its noise,
/// not on the batch.
package struct SamplingLoop<D: Denoiser, Noise: NoiseSource> {
  private let denoiser: D
  private let sampler: any Sampler
  private let guidance: Guidance<D.Condition>?
  private let truncation: Truncation
  private let noise: Noise

  /// - Throws: `denoiserCodes`, `nucleus`, `topCodes`.
  package init(
    denoiser: D, sampler: any Sampler, guidance: Guidance<D.Condition>?, truncation: Truncation, noise: Noise
  ) throws(DiffusionError) {
    guard denoiser.codes == sampler.schedule.codes else {
      throw .denoiserCodes(schedule: sampler.schedule.codes, found: denoiser.codes)
    }
    try truncation.validate()
    self.denoiser = denoiser
    self.sampler = sampler
    self.guidance = guidance.flatMap { $0.isActive ? $0 : nil }
    self.truncation = truncation
    self.noise = noise
  }

  /// Samples one image per condition, starting from masks.
  ///
  /// - Parameters:
  ///   - conditions: B conditions.
  ///   - images: B numbers that name the images' noise.
  ///   - onStep: called after each step; may throw to stop.
  /// - Returns: B × L codes.
  /// - Throws: what the denoiser or `onStep` throws; `logitsShape`, `logitsNotFinite`.
  package func run(
    conditions: [D.Condition], images: [Int], onStep: (SamplingProgress) throws -> Void = { _ in }
  ) throws -> [[Int32]] {
    try run(from: images.map { sampler.initialState(image: $0) }, conditions: conditions, onStep: onStep)
  }

  /// Samples from given states; otherwise as `run(conditions:images:onStep:)`.
  package func run(
    from states: [SamplingState], conditions: [D.Condition], onStep: (SamplingProgress) throws -> Void = { _ in }
  ) throws -> [[Int32]] {
    precondition(states.count == conditions.count, "\(states.count) images, \(conditions.count) conditions")
    var states = states
    var (step, evaluations) = (0, 0)
    let totalSteps = states.map { sampler.evaluations - $0.evaluations }.max() ?? 0
    while true {
      let active = states.indices.filter { sampler.timestep(of: states[$0]) != nil }
      if active.isEmpty { return states.map(\.tokens) }
      let timesteps = active.compactMap { sampler.timestep(of: states[$0]) }
      let logits = try evaluate(active.map { states[$0].tokens }, timesteps, active.map { conditions[$0] })
      try advance(&states, active, by: logits, sampler: sampler, timesteps: timesteps)
      step += 1
      evaluations += logits.shape[0]
      try onStep(
        SamplingProgress(step: step, totalSteps: totalSteps, evaluations: evaluations, tokens: states.map(\.tokens)))
    }
  }

  /// Logits [B, L, K] of the images, with guidance [2B, L, K]: the unconditional ones follow.
  private func evaluate(
    _ tokens: [[Int32]], _ timesteps: [Int], _ conditions: [D.Condition]
  ) throws -> FloatTensor {
    var (tokens, timesteps, conditions) = (Array(tokens.joined()), timesteps, conditions)
    if let guidance {
      conditions += Array(repeating: guidance.unconditional, count: timesteps.count)
      tokens += tokens
      timesteps += timesteps
    }
    let logits = try denoiser.logits(
      tokens: tokens, length: sampler.length, timesteps: timesteps, conditions: conditions)
    let expected = [timesteps.count, sampler.length, denoiser.codes]
    guard logits.shape == expected else { throw DiffusionError.logitsShape(expected: expected, found: logits.shape) }
    return logits
  }

  private func advance(
    _ states: inout [SamplingState], _ active: [Int], by logits: FloatTensor, sampler: some Sampler, timesteps: [Int]
  ) throws {
    let perImage = sampler.length * denoiser.codes
    var isFinite = Array(repeating: true, count: active.count)
    states.withUnsafeMutableBufferPointer { states in
      isFinite.withUnsafeMutableBufferPointer { isFinite in
        ThreadPool.shared.parallelFor(active.count) { row in
          let conditional = logits.base + row * perImage
          let unconditional = guidance.map { _ in logits.base + (active.count + row) * perImage }
          isFinite[row] =
            RowMath.isFinite(conditional, count: perImage)
            && unconditional.map { RowMath.isFinite($0, count: perImage) } ?? true
          guard isFinite[row] else { return }
          let prediction = Prediction(
            logits: conditional, unconditional: unconditional, guidanceScale: guidance?.scale ?? 1,
            truncation: truncation, codes: denoiser.codes)
          sampler.advance(&states[active[row]], prediction: prediction, noise: noise)
        }
      }
    }
    keepAlive(logits)
    if let row = isFinite.firstIndex(of: false) {
      throw DiffusionError.logitsNotFinite(image: states[active[row]].image, timestep: timesteps[row])
    }
  }
}
