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
@Suite struct DiffusersPipelineGoldenTests {
  private let recorded: RecordedPipeline
  private var golden: GoldenCase { recorded.golden }

  init() throws { recorded = try RecordedPipeline() }

  @Test func thePartsAreRead() throws {
    let pipeline = recorded.pipeline
    #expect(pipeline.name == "pipeline" && pipeline.classCount == 0 && pipeline.labels.names == [])
    let image = try golden.shape("out.trajectory.image")
    #expect(pipeline.imageSize == (height: image[2], width: image[3]))
    #expect(pipeline.defaultSettings.guidanceScale == 5 && pipeline.defaultSettings.truncation == .none)
    #expect(pipeline.defaultSettings.steps == recorded.timesteps && pipeline.defaultSettings.method == .ancestral)
    let configuration = try pipeline.transformer.configuration
    let text = golden.params["text"]
    #expect(try configuration.textLength == text.int("length") && configuration.textWidth == text.int("hidden"))
    #expect(try configuration.kind == .text && configuration.grid == golden.params.ints("grid"))
    #expect(configuration.codebookSize == recorded.codes && configuration.activation == .quickGELU)
  }

  @Test func textVectorsAgree() throws {
    let expected = try golden.floats("out.text_embeddings_for_guidance")
    let tolerance = try golden.tolerance("text_embeddings_for_guidance")
    // The learned vectors come first, once for each text, and as they are stored.
    let free = try recorded.texts.unconditional(negative: nil).values
    let found = try recorded.prompts.map { _ in free } + recorded.prompts.map { try recorded.texts.vectors(of: $0).values }
    expectClose(FloatTensor(found.flatMap(\.values), shape: expected.shape), expected, absolute: tolerance)
    let alone = try golden.floats("out.text_embeddings")
    expectClose(
      FloatTensor(found[recorded.prompts.count...].flatMap(\.values), shape: alone.shape), alone,
      absolute: try golden.tolerance("text_embeddings"))
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
    let posterior = Posterior(recorded.pipeline.corruption, from: timestep + 1, to: timestep)
    let p = prediction.values.map { exp($0) }
    let (codes, length) = (recorded.codes, recorded.length)
    var (weights, found) = ([Float](repeating: 0, count: codes + 1), [Int]())
    for (row, token) in try recorded.tokens("in.latents").enumerated() {
      weights.withUnsafeMutableBufferPointer { weights in
        p.withUnsafeBufferPointer { posterior.write(token: token, probabilities: $0.baseAddress! + row * codes, into: weights) }
      }
      #expect(timestep > 0 || weights[codes] == 0)
      let noise = RecordedGumbel(uniforms: [uniforms])
      found.append(
        weights.withUnsafeBufferPointer {
          noise.categorical($0, key: DrawKey(.token, image: row / length, step: 0, position: row % length))
        })
    }
    #expect(found == (try golden.integers("out.step.t\(timestep)")))
  }

  /// Dropped codes are −∞ here, −70 there.
  @Test(arguments: [0.6, 0.9]) func truncationAgrees(rate: Double) throws {
    let expected = transposed(try golden.floats("out.truncated.\(rate)"))
    let given = transposed(try golden.floats("out.log_probs.t9"))
    let found = recorded.predicted(given, recorded.settings(truncation: .nucleus(rate)))
    #expect(found.values.contains(-.infinity))
    expectClose(
      FloatTensor(found.values.map { max($0, -70) }, shape: found.shape), expected,
      absolute: try golden.tolerance("truncated.\(rate)"))
  }

  @Test func theAutoencoderAgrees() throws {
    let centred = nhwc(try golden.floats("in.image"))
    let image = FloatTensor(centred.values.map { ($0 + 1) / 2 }, shape: centred.shape)
    #expect(try recorded.pipeline.codec.tokenizer.encode(image).tokens.map(Int.init) == golden.integers("out.encoded_indices"))
    let grid = try recorded.grid(recorded.tokens("in.decode_tokens"))
    expectClose(
      try recorded.pipeline.codec.tokenizer.decode(grid), nhwc(try golden.floats("out.decoded_image")),
      absolute: try golden.tolerance("decoded_image"))
  }

  /// The whole guided run from the recorded random numbers.
  @Test func theTrajectoryIsExact() throws {
    let scale = try golden.params.double("guidance_scale")
    let settings = recorded.settings(
      guidanceScale: scale, truncation: .nucleus(try golden.params.double("truncation_rate")))
    let noise = RecordedGumbel(uniforms: try (0..<recorded.timesteps).map { try golden.floats("in.trajectory_uniforms.\($0)") })
    let plan = try SamplingPlan(recorded.pipeline.corruption, layout: recorded.layout, steps: recorded.timesteps)
    let loop = try SamplingLoop(
      denoiser: NetworkDenoiser(recorded.pipeline.network, cancellation: Cancellation()), sampler: AncestralSampler(plan),
      guidance: Guidance(scale: scale, unconditional: recorded.unconditional()), settings: settings, noise: noise)
    let expected = try recorded.tokens("out.trajectory.tokens")
    // Diffusers starts from masks alone; the released γ̄_T is 0.99999 of them.
    let masks = [Int32](repeating: Int32(recorded.codes), count: recorded.length)
    let states = recorded.prompts.indices.map { SamplingState(tokens: masks, image: $0, evaluations: 0) }
    let count = states.count * recorded.length
    var steps = 0
    let tokens = try loop.run(states, conditions: recorded.conditions()) { progress in
      #expect(Array(progress.tokens.joined()) == Array(expected[steps * count..<(steps + 1) * count]), "step \(steps)")
      steps += 1
    }
    #expect(steps == recorded.timesteps)
    let image = try recorded.pipeline.codec.tokenizer.decode(recorded.grid(Array(tokens.joined())))
    expectClose(
      image, nhwc(try golden.floats("out.trajectory.image")), absolute: try golden.tolerance("trajectory.image"))
  }

  /// What entered each step: guided, truncated, bounded from below.
  @Test func predictionsOfTheTrajectoryAgree() throws {
    let expected = try golden.floats("out.trajectory.log_probs")
    let after = try recorded.tokens("out.trajectory.tokens")
    let settings = recorded.settings(
      guidanceScale: try golden.params.double("guidance_scale"),
      truncation: .nucleus(try golden.params.double("truncation_rate")))
    let (texts, free) = (try recorded.conditions(), try recorded.unconditional())
    let (images, length, codes) = (texts.count, recorded.length, recorded.codes)
    let (count, size) = (images * length, images * length * codes)
    for step in 0..<recorded.timesteps {
      let tokens = step == 0 ? Array(repeating: Int32(codes), count: count) : Array(after[(step - 1) * count..<step * count])
      let times = texts.map { _ in recorded.timesteps - 1 - step }
      let given = try recorded.pipeline.network.logits(
        NetworkInput(tokens: tokens, timesteps: times, conditions: texts))
      let unconditional = try recorded.pipeline.network.logits(
        NetworkInput(tokens: tokens, timesteps: times, conditions: texts.map { _ in free }))
      let found = recorded.predicted(given, unconditional: unconditional, settings).values.map { max($0, -70) }
      let wanted = FloatTensor(Array(expected.values[step * size..<(step + 1) * size]), shape: [images, codes, length])
      expectClose(
        FloatTensor(found, shape: [images, length, codes]), transposed(wanted),
        absolute: try golden.tolerance("trajectory.log_probs"), "step \(step)")
    }
  }

  @Test func textsBecomeImages() async throws {
    let subjects = recorded.prompts.map { GenerationSubject.prompt($0) }
    let images = try await recorded.pipeline.generate(subjects, count: 2)
    #expect(images.map(\.subject) == subjects.flatMap { [$0, $0] })
    #expect(images.map(\.seed) == (0..<UInt64(images.count)).map { $0 } && Set(images.map(\.tokens)).count == images.count)
    let negative = try await recorded.pipeline.generate(subjects, negativePrompt: "red", count: 2)
    #expect(negative.map(\.tokens) != images.map(\.tokens))
  }
}
