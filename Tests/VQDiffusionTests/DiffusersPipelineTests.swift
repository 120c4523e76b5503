import Diffusion
import Foundation
import Synchronization
import Tensor
import TestSupport
import Testing
import Transformer
import VQDiffusion
import VQVAE

/// A diffusers folder against what diffusers and transformers computed from it.
@Suite struct DiffusersPipelineTests {
  private let recorded: RecordedPipeline
  private var golden: GoldenCase { recorded.golden }

  init() throws { recorded = try RecordedPipeline() }

  @Test func thePartsAreRead() throws {
    let pipeline = recorded.pipeline
    #expect(pipeline.name == "pipeline" && pipeline.classCount == 0 && pipeline.labels.names == [])
    #expect(pipeline.imageSize == (height: 8, width: 8))
    #expect(pipeline.defaultSettings.guidanceScale == 5 && pipeline.defaultSettings.truncation == .none)
    #expect(pipeline.defaultSettings.steps == 10 && pipeline.defaultSettings.method == .ancestral)
    let configuration = pipeline.transformer.configuration
    #expect(configuration.kind == .text && configuration.textLength == 77 && configuration.textWidth == 16)
    #expect(configuration.grid == [4, 4] && configuration.codebookSize == 20 && configuration.activation == .quickGELU)
  }

  @Test func textVectorsAgree() throws {
    let expected = try golden.floats("out.text_embeddings_for_guidance")
    let tolerance = try golden.tolerance("text_embeddings_for_guidance")
    // The learned vectors come first, once for each text, and as they are stored.
    let free = try recorded.texts.unconditional(negative: nil).values
    let found = try [free, free] + recorded.prompts.map { try recorded.texts.vectors(of: $0).values }
    expectClose(FloatTensor(found.flatMap(\.values), shape: expected.shape), expected, absolute: tolerance)
    let alone = try golden.floats("out.text_embeddings")
    expectClose(
      FloatTensor(found[2...].flatMap(\.values), shape: alone.shape), alone, absolute: try golden.tolerance("text_embeddings"))
  }

  @Test(arguments: [0, 1, 5, 9]) func logProbabilitiesAgree(timestep: Int) throws {
    expectClose(
      try recorded.logProbabilities(timestep: timestep), transposed(try golden.floats("out.log_probs.t\(timestep)")),
      absolute: try golden.tolerance("log_probs.t\(timestep)"))
  }

  /// Both without a clamp; the public posterior's row for the mask, too.
  @Test(arguments: [1, 5, 9]) func posteriorsAgree(timestep: Int) throws {
    let given = transposed(try golden.floats("out.log_probs.t\(timestep)"))
    expectClose(
      try recorded.logPosterior(given, timestep: timestep), transposed(try golden.floats("out.posterior.t\(timestep)")),
      absolute: try golden.tolerance("posterior.t\(timestep)"))
  }

  /// At timestep 0 diffusers draws from the prediction, K rows, where this project's posterior is the prediction with a mask of weight 0.
  @Test(arguments: [0, 1, 5, 9]) func stepsAreExact(timestep: Int) throws {
    let uniforms = try golden.floats("in.step_uniforms.t\(timestep)")
    let prediction = try recorded.logProbabilities(timestep: timestep)
    let posterior = Posterior(recorded.pipeline.kernel, from: timestep + 1, to: timestep)
    let p = prediction.values.map { exp($0) }
    var (weights, found) = ([Float](repeating: 0, count: 21), [Int]())
    for (row, token) in try recorded.tokens("in.latents").enumerated() {
      weights.withUnsafeMutableBufferPointer { weights in
        p.withUnsafeBufferPointer { posterior.write(token: token, probabilities: $0.baseAddress! + row * 20, into: weights) }
      }
      #expect(timestep > 0 || weights[20] == 0)
      let noise = RecordedGumbel(uniforms: [uniforms])
      found.append(
        weights.withUnsafeBufferPointer {
          noise.categorical($0, key: DrawKey(.token, image: row / 16, step: 0, position: row % 16))
        })
    }
    #expect(found == (try golden.integers("out.step.t\(timestep)")))
  }

  /// Dropped codes are −∞ here, −70 there.
  @Test(arguments: [0.6, 0.9]) func truncationAgrees(rate: Double) throws {
    let expected = transposed(try golden.floats("out.truncated.\(rate)"))
    let given = transposed(try golden.floats("out.log_probs.t9"))
    let found = recorded.predicted(given, PredictionSettings(truncation: .nucleus(rate)))
    #expect(found.values.contains(-.infinity))
    expectClose(
      FloatTensor(found.values.map { max($0, -70) }, shape: found.shape), expected,
      absolute: try golden.tolerance("truncated.\(rate)"))
  }

  @Test func theAutoencoderAgrees() throws {
    let centred = nhwc(try golden.floats("in.image"))
    let image = FloatTensor(centred.values.map { ($0 + 1) / 2 }, shape: centred.shape)
    #expect(try recorded.pipeline.vqModel.encode(image).tokens.map(Int.init) == golden.integers("out.encoded_indices"))
    let grid = TokenGrid(tokens: try recorded.tokens("in.decode_tokens"), height: 4, width: 4)
    expectClose(
      try recorded.pipeline.vqModel.decode(grid), nhwc(try golden.floats("out.decoded_image")),
      absolute: try golden.tolerance("decoded_image"))
  }

  private struct Network: Denoiser {
    let transformer: DenoisingTransformer
    var codes: Int { transformer.configuration.codebookSize }

    func logits(tokens: [Int32], length: Int, timesteps: [Int], conditions: [DenoiserCondition]) throws -> FloatTensor {
      try transformer.logits(tokens: tokens, timesteps: timesteps, conditions: conditions)
    }
  }

  /// The whole guided run from the recorded random numbers.
  @Test func theTrajectoryIsExact() throws {
    let scale = try golden.params.double("guidance_scale")
    var options = SamplingOptions()
    options.truncation = .nucleus(try golden.params.double("truncation_rate"))
    let noise = RecordedGumbel(uniforms: try (0..<10).map { try golden.floats("in.trajectory_uniforms.\($0)") })
    let plan = try SamplingPlan(recorded.pipeline.kernel, length: 16, steps: 10)
    let loop = try SamplingLoop(
      denoiser: Network(transformer: recorded.pipeline.transformer), sampler: AncestralSampler(plan),
      guidance: Guidance(scale: scale, unconditional: recorded.unconditional()), options: options, noise: noise)
    let expected = try recorded.tokens("out.trajectory.tokens")
    // Diffusers starts from masks alone; the released γ̄_T is 0.99999 of them.
    let states = (0..<2).map { SamplingState(tokens: Array(repeating: 20, count: 16), image: $0, evaluations: 0) }
    var steps = 0
    let tokens = try loop.run(states, conditions: recorded.conditions()) { progress in
      #expect(Array(progress.tokens.joined()) == Array(expected[steps * 32..<(steps + 1) * 32]), "step \(steps)")
      steps += 1
    }
    #expect(steps == 10)
    let image = try recorded.pipeline.vqModel.decode(TokenGrid(tokens: Array(tokens.joined()), height: 4, width: 4))
    expectClose(
      image, nhwc(try golden.floats("out.trajectory.image")), absolute: try golden.tolerance("trajectory.image"))
  }

  /// What entered each step: guided, truncated, bounded from below.
  @Test func predictionsOfTheTrajectoryAgree() throws {
    let expected = try golden.floats("out.trajectory.log_probs")
    let after = try recorded.tokens("out.trajectory.tokens")
    let settings = PredictionSettings(
      guidanceScale: try golden.params.double("guidance_scale"),
      truncation: .nucleus(try golden.params.double("truncation_rate")))
    let (texts, free) = (try recorded.conditions(), try recorded.unconditional())
    for step in 0..<10 {
      let tokens = step == 0 ? Array(repeating: 20, count: 32) : Array(after[(step - 1) * 32..<step * 32])
      let times = [9 - step, 9 - step]
      let given = try recorded.pipeline.transformer.logits(tokens: tokens, timesteps: times, conditions: texts)
      let unconditional = try recorded.pipeline.transformer.logits(tokens: tokens, timesteps: times, conditions: [free, free])
      let found = recorded.predicted(given, unconditional: unconditional, settings).values.map { max($0, -70) }
      let wanted = FloatTensor(Array(expected.values[step * 640..<(step + 1) * 640]), shape: [2, 20, 16])
      expectClose(
        FloatTensor(found, shape: [2, 16, 20]), transposed(wanted), absolute: try golden.tolerance("trajectory.log_probs"),
        "step \(step)")
    }
  }

  @Test func textsBecomeImages() async throws {
    let subjects = recorded.prompts.map { GenerationSubject.prompt($0) }
    let images = try await recorded.pipeline.generate(subjects, count: 2)
    #expect(images.map(\.subject) == [subjects[0], subjects[0], subjects[1], subjects[1]])
    #expect(images.map(\.seed) == [0, 1, 2, 3] && Set(images.map(\.tokens)).count == 4)
    let negative = try await recorded.pipeline.generate(subjects, negativePrompt: "red", count: 2)
    #expect(negative.map(\.tokens) != images.map(\.tokens))
  }
}
