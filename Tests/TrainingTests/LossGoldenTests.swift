import Checkpoint
import Diffusion
import Foundation
import Tensor
import TestSupport
import Testing
import Training
import Transformer

/// The public code's loss, term by term, and what of its gradients needs no way back through the network.
@Suite struct LossGoldenTests {
  private struct Recorded {
    let golden: GoldenCase
    let kernel: MaskAndReplaceSchedule
    let batch: TrainingBatch
    let logits: FloatTensor

    init() throws {
      golden = try GoldenCase("training")
      kernel = try MaskAndReplaceSchedule(timesteps: 10, codes: 20)
      batch = try TrainingBatch(
        clean: golden.integers("in.x0").map { Int32($0) }, corrupted: golden.integers("out.x_t").map { Int32($0) },
        timesteps: golden.integers("in.t"), probabilities: golden.floats("in.pt").values.map(Double.init))
      let denoiser = try DenoisingTransformer(golden.params.decoded(), weights: golden.weights())
      logits = try denoiser.logits(
        tokens: batch.corrupted, timesteps: batch.timesteps,
        conditions: golden.integers("in.class").map { .index($0) })
    }

    func loss(adaptive: Bool) throws -> VariationalLoss {
      try VariationalLoss(
        kernel: kernel,
        settings: LossSettings(
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
      let sums = (0..<4).map { values[$0 * 16..<($0 + 1) * 16].reduce(0, +) }
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
    let bias = (0..<20).map { code in
      stride(from: code, to: gradient.count, by: 20).reduce(0.0) { $0 + Double(gradient.values[$1]) }
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
    let logits = try DenoiserGraph(golden.params.decoded()).logits(
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
    let corrupted = try ForwardCorruption(kernel: recorded.kernel).corrupt(
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
