import Checkpoint
import Diffusion
import Foundation
import Tensor
import TestSupport
import Testing
import TrainingCore
import Transformer

/// The public code's loss, term by term, and what of its gradients needs no way back through the network.
@Suite struct LossGoldenTests {
  private struct Recorded {
    let golden: GoldenCase
    let corruption: MaskAndReplaceCorruption
    let batch: TrainingBatch
    let logits: FloatTensor

    init() throws {
      golden = try GoldenCase("training")
      corruption = try MaskAndReplaceCorruption(
        timesteps: golden.params.int("timesteps"), codes: golden.params.int("codebook_size"))
      batch = try TrainingBatch(
        clean: golden.tokens("in.x0"), corrupted: golden.tokens("out.x_t"), timesteps: golden.integers("in.t"),
        probabilities: golden.floats("in.pt").values.map(Double.init))
      let denoiser = try VQDiffusionTransformer(golden.params.decoded(), weights: golden.weights())
      logits = try denoiser.logits(
        NetworkInput(
          tokens: batch.corrupted, timesteps: batch.timesteps,
          conditions: golden.integers("in.class").map { .index($0) }))
    }

    func loss(adaptive: Bool) throws -> VariationalLoss {
      try VariationalLoss(
        corruption: corruption,
        settings: VariationalLossSettings(
          auxiliaryWeight: golden.params.double("auxiliary_loss_weight"), isAdaptive: adaptive,
          maskedWeight: golden.params.doubles("mask_weight")[0], unmaskedWeight: golden.params.doubles("mask_weight")[1]))
    }
  }

  @Test func termsAgree() throws {
    let recorded = try Recorded()
    let golden = recorded.golden
    let terms = try recorded.loss(adaptive: false).terms(recorded.batch, logits: recorded.logits)
    for (name, values) in [
      ("kl", terms.divergences), ("decoder_nll", terms.decoder), ("auxiliary_kl", terms.auxiliary),
    ] {
      expectClose(
        values, try golden.floats("out.\(name)_per_position").values, absolute: try golden.tolerance("\(name)_per_position"),
        name)
      // Sums over positions are weighted by whether these are masked, the decoder's term is not.
      let weights = name == "decoder_nll" ? [1, 1] : try golden.params.doubles("mask_weight")
      let weighted = zip(values, recorded.batch.corrupted).map { $0 * weights[Int($1) == recorded.corruption.codes ? 0 : 1] }
      let length = recorded.batch.length
      let sums = recorded.batch.timesteps.indices.map { weighted[$0 * length..<($0 + 1) * length].reduce(0, +) }
      expectClose(sums, try golden.floats("out.\(name)").values, absolute: try golden.tolerance(name), name)
    }
  }

  @Test(arguments: [false, true]) func lossAndGradientAgree(adaptive: Bool) throws {
    let recorded = try Recorded()
    let golden = recorded.golden
    let name = adaptive ? "adaptive_on" : "adaptive_off"
    var gradient = recorded.logits
    let terms = try recorded.loss(adaptive: adaptive).replaceWithGradient(recorded.batch, logits: &gradient)
    expectClose([terms.loss], try golden.floats("out.\(name).loss").values, absolute: try golden.tolerance("\(name).loss"))
    expectClose(
      [terms.loss], [try golden.config["float64_losses"].double(name)], absolute: try golden.tolerance("\(name).loss"))
    expectClose(
      terms.weighted, try golden.floats("out.\(name).weighted_loss_per_sample").values,
      absolute: try golden.tolerance("\(name).weighted_loss_per_sample"))
    let gradients = try SafetensorsFile(
      golden.folder.appendingPathComponent("grads-\(name.replacingOccurrences(of: "_", with: "-")).safetensors"))
    let codes = recorded.corruption.codes
    let bias = (0..<codes).map { code in
      stride(from: code, to: gradient.count, by: codes).reduce(0.0) { $0 + Double(gradient.values[$1]) }
    }
    expectClose(
      bias, try gradients.floatTensor("out.\(name).grad.to_logits.1.bias").values,
      absolute: try golden.tolerance("gradients"))
  }

  /// The recorded gradient of every parameter, through the whole network.
  @Test(arguments: [false, true]) func networkGradientsAgree(adaptive: Bool) throws {
    let recorded = try Recorded()
    let golden = recorded.golden
    let name = adaptive ? "adaptive_on" : "adaptive_off"
    let tape = Tape(try ParameterSet(golden.weights()))
    let logits = try VQDiffusionGraph(golden.params.decoded()).logits(
      tape, tokens: recorded.batch.corrupted, timesteps: recorded.batch.timesteps, classes: golden.integers("in.class"))
    var gradient = logits.value
    let terms = try recorded.loss(adaptive: adaptive).replaceWithGradient(recorded.batch, logits: &gradient)
    expectClose([terms.loss], try golden.floats("out.\(name).loss").values, absolute: try golden.tolerance("\(name).loss"))
    let gradients = try tape.gradients(from: logits, gradient)
    let file = try SafetensorsFile(
      golden.folder.appendingPathComponent("grads-\(name.replacingOccurrences(of: "_", with: "-")).safetensors"))
    for parameter in gradients.names {
      expectClose(
        try #require(gradients[parameter]), try file.floatTensor("out.\(name).grad.\(parameter)"),
        absolute: try golden.tolerance("gradients"), parameter)
    }
    expectClose(
      [gradients.globalNorm], try golden.floats("out.\(name).total_grad_norm").values.map(Double.init),
      absolute: try golden.tolerance("\(name).total_grad_norm"))
  }

  @Test func corruptionReplaysTheRecordedNoise() throws {
    let recorded = try Recorded()
    let noise = GumbelReplay(uniforms: try recorded.golden.floats("in.uniforms"))
    let corrupted = try ForwardCorruption(corruption: recorded.corruption).corrupt(
      recorded.batch.clean, timesteps: recorded.batch.timesteps, step: 0, noise: noise)
    #expect(corrupted == recorded.batch.corrupted)
  }
}

/// Recorded uniform numbers, [B, K + 1, L], used as the public code does: argmax of log p − log(−log u).
private struct GumbelReplay: NoiseSource {
  let uniforms: FloatTensor

  func categorical(_ weights: UnsafeBufferPointer<Float>, key: DrawKey) -> Int {
    let scores = weights.indices.map { k in
      max(log(weights[k]), -70) - log(-log(uniforms[key.image, k, key.position] + 1e-30) + 1e-30)
    }
    return scores.indices.max { scores[$0] < scores[$1] } ?? 0
  }

  func uniform(_ key: DrawKey) -> Double { .nan }
}
