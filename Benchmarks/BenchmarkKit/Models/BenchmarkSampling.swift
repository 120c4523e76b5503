import Diffusion
import Transformer
import VQDiffusion

/// Whole sampling runs of tokens, without the decoder behind them.
package struct BenchmarkSampling: Sendable {
  private let denoiser: NetworkDenoiser
  private let facts: NetworkFacts
  private let sampler: any Sampler
  private let guidance: Guidance<NetworkCondition>?
  private let settings: SamplingSettings

  /// - Throws: `DiffusionError` for settings that the model can't meet.
  package init(_ model: BenchmarkModel, network: any DenoisingNetwork, settings: SamplingSettings) throws {
    (facts, self.settings) = (network.facts, settings)
    denoiser = NetworkDenoiser(network, cancellation: Cancellation())
    sampler = try settings.sampler(model.corruption(), layout: facts.layout)
    let unconditional = facts.takesTexts ? NetworkCondition.random(0, for: facts, seed: 1) : facts.noClass
    guidance = try unconditional.map {
      try Guidance(scale: settings.guidanceScale, unconditional: $0, schedule: settings.guidanceSchedule)
    }
  }

  /// Samples images `first`, `first` + 1, …, of one class after the other, or each of a text of its own.
  ///
  /// - Returns: the sequences that the network evaluated; guidance takes two per image and step.
  package func run(images count: Int, first: Int) throws -> Int {
    let images = Array(first..<first + count)
    var options = SamplingOptions()
    // Every evaluation is to be measured.
    options.reusesEvaluations = false
    let loop = try SamplingLoop(
      denoiser: denoiser, sampler: sampler, guidance: guidance, settings: settings, options: options,
      noise: PhiloxNoise(seed: 0))
    let conditions = images.map { image in
      facts.classCount > 0 ? .index(image % facts.classCount) : NetworkCondition.random(image, for: facts, seed: 0)
    }
    var evaluations = 0
    _ = try loop.run(conditions: conditions, images: images) { evaluations = $0.evaluations }
    return evaluations
  }
}
