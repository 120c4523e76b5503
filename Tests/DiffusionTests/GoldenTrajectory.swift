import Diffusion
import Synchronization
import Tensor
import TestSupport
import Testing

/// A recorded sampling run of the public code: its settings, its random numbers, and the tokens after every step.
///
/// `replay(through:…)` takes any denoiser, the recorded network itself or a stand-in; `replaySteps` needs none.
struct GoldenTrajectory {
  let golden: GoldenCase
  let calls: Int
  let batch: Int
  let length: Int
  let codes: Int
  let schedule: MaskAndReplaceCorruption
  let sampler: any Sampler
  let noise: RecordedNoise
  /// The recorded network timesteps, one per call.
  let timesteps: [Int]
  /// The class of each image.
  let classes: [Int]
  /// g of guidance; 1 is none.
  let guidanceScale: Double
  let truncation: Truncation
  private let before: [Int]
  private let after: [Int]
  /// log p(x_0) after guidance and truncation, [calls, B, K + 1, L].
  private let predictions: FloatTensor

  init(_ name: String) throws {
    golden = try GoldenCase(name)
    let (model, sampling) = (golden.params["model"], golden.params["sampling"])
    (calls, batch) = (try golden.params.int("calls"), try golden.params.int("batch"))
    (length, codes) = (try model.int("sequence_length"), try model.int("codebook_size"))
    schedule = try MaskAndReplaceCorruption(timesteps: try model.int("timesteps"), codes: codes)
    sampler = try Self.sampler(sampling, schedule, length: length)
    timesteps = try golden.integers("out.t")
    classes = try golden.integers("in.class")
    guidanceScale = try sampling.double("guidance_scale")
    truncation = try Self.truncation(sampling.string("sample_type"))
    (before, after) = (try golden.integers("out.x_before"), try golden.integers("out.x_after"))
    predictions = try golden.floats("out.log_x_recon")
    noise = RecordedNoise(
      gumbel: try golden.floats("in.gumbel_uniforms"), race: try? golden.floats("in.race_uniforms"),
      corruption: try? golden.floats("in.q_sample_uniforms"), expectedLogs: try golden.floats("out.step_log_probs"))
  }

  private static func sampler(
    _ settings: JSONValue, _ schedule: MaskAndReplaceCorruption, length: Int
  ) throws -> any Sampler {
    let start = Int(Double(schedule.timesteps) * (try settings.double("filter_ratio")))
    let plan = try SamplingPlan(schedule, length: length, steps: schedule.timesteps)
    let (targets, limit) = (try settings.ints("n_sample"), settings["per_step_limit"].intValue)
    switch try settings.int("rule") {
    case 0 where start > 0:
      return try AncestralSampler(SamplingPlan(schedule, length: length, steps: start, start: start))
    case 0:
      guard let skip = settings["skip_step"].intValue, skip > 0 else { return try AncestralSampler(plan) }
      return StridedReferenceSampler(plan, skip: skip)
    case 1: return try PublicPuritySampler(plan, targets: targets, rule: .uniform, limit: limit)
    default:
      let rule = PublicPuritySampler.Rule.purity(weight: try settings.double("weight"))
      return try PublicPuritySampler(plan, targets: targets, rule: rule, limit: limit)
    }
  }

  /// "top0.86r" or "normal".
  private static func truncation(_ type: String) throws -> Truncation {
    if type == "normal" { return .none }
    return .nucleus(try #require(Double(type.dropFirst(3).dropLast())))
  }

  /// x before the first call.
  func initialStates() throws -> [SamplingState] {
    try (0..<batch).map { image in
      guard let partial = sampler as? AncestralSampler, partial.evaluations < schedule.timesteps else {
        return try sampler.initialState(image: image, noise: noise)
      }
      let clean = try golden.integers("in.x0")[image * length..<(image + 1) * length].map { Int32($0) }
      return try partial.initialState(from: .noised(clean), image: image, noise: noise)
    }
  }

  private func tokens(_ recorded: [Int], call: Int, image: Int) -> [Int32] {
    let first = (call * batch + image) * length
    return recorded[first..<first + length].map { Int32($0) }
  }

  /// log p(x_0) of a call, guided and truncated, [B, L, K].
  func prediction(call: Int) -> FloatTensor {
    FloatTensor(uninitialized: [batch, length, codes]) { values in
      for i in 0..<batch * length * codes {
        values[i] = predictions[call, i / codes / length, i % codes, i / codes % length]
      }
    }
  }

  /// Runs the whole loop through a denoiser and expects the recorded tokens after each step.
  func replay<D: Denoiser>(
    through denoiser: D, conditions: [D.Condition], unconditional: D.Condition? = nil
  ) throws {
    let guidance = try unconditional.map { try Guidance(scale: guidanceScale, unconditional: $0) }
    let loop = try SamplingLoop(
      denoiser: denoiser, sampler: sampler, guidance: guidance,
      truncation: truncation, options: SamplingOptions(reusesEvaluations: false), noise: noise)
    var steps = 0
    let tokens = try loop.run(initialStates(), conditions: conditions) { progress in
      steps += 1
      #expect(progress.step == steps && progress.totalSteps == calls)
      for image in 0..<batch {
        #expect(
          progress.tokens[image] == self.tokens(after, call: steps - 1, image: image), "call \(steps - 1) image \(image)")
      }
    }
    #expect(steps == calls)
    #expect(tokens.joined().map { Int($0) } == (try golden.integers("out.final_tokens")))
    try expectRecordedLaws()
  }

  /// Takes each recorded step from the recorded tokens and prediction.
  func replaySteps() throws {
    for call in 0..<calls {
      let logits = prediction(call: call)
      for image in 0..<batch {
        var state = SamplingState(tokens: tokens(before, call: call, image: image), image: image, evaluations: call)
        #expect(sampler.timestep(of: state) == timesteps[call])
        logits.withUnsafeBufferPointer { logits in
          let prediction = Prediction(logProbabilities: logits.baseAddress! + image * length * codes, codes: codes)
          sampler.advance(&state, prediction: prediction, noise: noise)
        }
        #expect(state.tokens == tokens(after, call: call, image: image), "call \(call) image \(image)")
        if call == calls - 1 { #expect(sampler.timestep(of: state) == nil) }
      }
    }
    try expectRecordedLaws()
  }

  private func expectRecordedLaws() throws {
    let deviation = noise.largestDeviation.withLock { $0 }
    // Nothing drawn would be no deviation either.
    #expect(deviation > 0)
    #expect(deviation < (try golden.tolerance("step_log_probs")))
  }
}

/// Gives the recorded predictions in order.
final class RecordedDenoiser: Denoiser {
  let codes: Int
  private let trajectory: GoldenTrajectory
  private let call = Mutex(0)

  init(_ trajectory: GoldenTrajectory) {
    self.trajectory = trajectory
    codes = trajectory.codes
  }

  func logits(tokens: [Int32], length: Int, timesteps: [Int], conditions: [Int]) throws -> FloatTensor {
    let call = call.withLock { call in
      defer { call += 1 }
      return call
    }
    #expect(timesteps == Array(repeating: trajectory.timesteps[call], count: trajectory.batch))
    #expect(conditions == trajectory.classes)
    return trajectory.prediction(call: call)
  }
}
