import Diffusion
import Transformer

/// Whole sampling runs of tokens, without the decoder behind them.
package struct BenchmarkSampling: Sendable {
  private let denoiser: TransformerDenoiser
  private let sampler: any Sampler
  private let guidance: Guidance<DenoiserCondition>?
  private var options: SamplingOptions
  private let configuration: DenoiserConfiguration
  /// Rows of the class table that images are asked of; nil for a model without classes.
  private let classes: Int?

  /// - Parameter settings: `seed` and `batchSize` are left to `run`.
  /// - Throws: `DiffusionError` for settings that the model can't meet.
  package init(_ model: BenchmarkModel, denoiser: DenoisingTransformer, settings: GenerationSettings) throws {
    let configuration = denoiser.configuration
    self.configuration = configuration
    self.denoiser = TransformerDenoiser(transformer: denoiser, cancellation: Cancellation())
    sampler = try settings.method.sampler(
      SamplingPlan(
        model.kernel(), shape: GridShape(rows: configuration.grid[0], columns: configuration.grid[1]), steps: settings.steps,
        timestepGrid: settings.timestepGrid))
    classes = configuration.classRows.map { max(1, $0 - (configuration.unconditionalClass == nil ? 0 : 1)) }
    let unconditional: DenoiserCondition? =
      switch configuration.kind {
      case .classConditional: configuration.unconditionalClass.map { .index($0) } ?? .meanOfClasses
      case .text: .random(0, for: configuration, seed: 1)
      case .unconditional: nil
      }
    guidance = try unconditional.map {
      try Guidance(scale: settings.guidanceScale, unconditional: $0, schedule: settings.guidanceSchedule)
    }
    options = settings.samplingOptions
    // Every evaluation is to be measured.
    options.reusesEvaluations = false
  }

  /// Samples images `first`, `first` + 1, …, of one class after the other, or each of a text of its own.
  ///
  /// - Returns: the sequences that the network evaluated; guidance takes two per image and step.
  package func run(images count: Int, first: Int) throws -> Int {
    let images = Array(first..<first + count)
    let loop = try SamplingLoop(
      denoiser: denoiser, sampler: sampler, guidance: guidance, options: options, noise: PhiloxNoise(seed: 0))
    var evaluations = 0
    _ = try loop.run(
      conditions: images.map { image in
        classes.map { .index(image % $0) } ?? .random(image, for: configuration, seed: 0)
      }, images: images
    ) { evaluations = $0.evaluations }
    return evaluations
  }
}
