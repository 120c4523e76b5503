import BenchmarkKit
import Foundation
import Tensor
import Testing
import TrainingCore
import Transformer
import VQDiffusion
import VQVAE

@Suite struct TrainingStepTests {
  private func denoiser(classes: Int?) -> VQDiffusionConfiguration {
    VQDiffusionConfiguration(
      kind: classes == nil ? .unconditional : .classConditional, classRows: classes, classNorm: classes == nil ? nil : .layerNorm,
      timestepNorm: .layerNorm, layers: 2, width: 12, heads: 3, mlp: .fullyConnected, mlpHiddenMultiplier: 2,
      activation: .quickGELU, grid: [3, 5], positionTable: [3, 5], positionKind: .embedding, codebookSize: 7, timesteps: 10)
  }

  private func autoencoder() throws -> TamingVQGANConfiguration {
    let json = #"""
      {"ch": 4, "ch_mult": [1, 2], "num_res_blocks": 1, "attn_resolutions": [], "resolution": 8, "in_channels": 3, "out_ch": 3,
       "z_channels": 5, "embed_dim": 3, "n_embed": 11, "norm_groups": 2}
      """#
    return try JSONDecoder().decode(TamingVQGANConfiguration.self, from: Data(json.utf8))
  }

  @Test(arguments: [nil, 4]) func stepsTeachADenoiserItsBatch(classes: Int?) throws {
    let configuration = denoiser(classes: classes)
    let step = try TrainingStep(VQDiffusionGraph(configuration), seed: 1)
    #expect(step.parameters.elementCount == WorkCount(denoiser: configuration).parameters)
    let batch = RandomTrainingBatch(for: configuration.facts, batch: 3, seed: 5)
    #expect(batch.targets.count == 45 && batch.classes.count == (classes == nil ? 0 : 3))
    #expect(Set(batch.targets) == Set(0..<7) && batch.targets != batch.tokens)
    // Small initial weights say next to nothing: log 7 nats.
    let first = try step(batch)
    #expect(abs(first - log(7.0)) < 0.02)
    var last = first
    for _ in 0..<200 { last = try step(batch) }
    #expect(last < first - 0.05)
  }

  @Test func stepsTeachAnAutoencoderItsImages() throws {
    let configuration = try autoencoder()
    let step = try TrainingStep(TamingVQGANGraph(configuration), seed: 1)
    let encoder = WorkCount(encoder: configuration, height: 6, width: 10)
    let decoder = WorkCount(decoder: configuration, height: 6, width: 10)
    #expect(step.parameters.elementCount == encoder.parameters + decoder.parameters)
    let images = FloatTensor.randomImages(3, height: 6, width: 10, in: -1...1, seed: 5)
    let first = try step(images)
    var last = first
    for _ in 0..<200 { last = try step(images) }
    #expect(last < first - 0.05)
  }

  /// In its first step Adam moves a parameter by the rate against its gradient's sign, whatever the gradient's size; weight decay takes
  /// 10⁻⁴ · 0.045 of the parameter besides.
  @Test func aStepIsAdamWs() throws {
    let step = try TrainingStep(TamingVQGANGraph(autoencoder()), seed: 1)
    let before = step.parameters
    _ = try step(.randomImages(2, height: 6, width: 10, in: -1...1, seed: 3))
    let after = step.parameters
    var moved = 0
    for name in before.names {
      let (old, new) = (try #require(before[name]).values, try #require(after[name]).values)
      for (old, new) in zip(old, new) {
        let move = abs(new - old * (1 - 4.5e-6))
        #expect(move < 1.01e-4, "\(name)")
        if move > 0.9e-4 { moved += 1 }
      }
    }
    #expect(moved > before.elementCount * 9 / 10)
  }

  @Test func whatCantBeTrainedIsToldBeforeItIsMade() throws {
    let text = BenchmarkSession(try BenchmarkModel("ithq-random"), options: ComputeOptions(), steps: nil)
    let expected = BenchmarkError.textConditional(model: "ithq-random", test: .train)
    #expect(throws: expected) { try text.requireMeasurable(.train) }
    #expect(throws: expected) { _ = try text.workload(.train, batch: 1) }
    #expect(throws: Never.self) { try text.requireMeasurable(.trainVQVAE) }
    #expect("\(expected)".contains("ithq-random") && "\(expected)".contains("text-conditional"))
    let half = BenchmarkSession(try BenchmarkModel("cifar-random"), options: ComputeOptions(weights: .float16), steps: nil)
    #expect(throws: BenchmarkError.arithmetic(test: .trainVQVAE)) { _ = try half.workload(.trainVQVAE, batch: 1) }
    #expect(throws: Never.self) { try half.requireMeasurable(.denoise) }
  }
}
