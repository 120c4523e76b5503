import Diffusion
import Tensor
import TrainingCore
import Transformer
import VQDiffusion
import VQVAE

/// A model under measurement: holds the parts that the current test needs and no others.
package final class BenchmarkSession {
  /// One repetition, its input made ahead, so that only the work is timed; returns the sequences that the denoiser evaluated.
  package typealias Repetition = () throws -> Int

  package let model: BenchmarkModel
  package let options: ComputeOptions
  private let steps: Int?
  /// Of what a training begins with.
  private static let parameterSeed: UInt64 = 1
  private var denoiser: (any DenoisingNetwork)?
  private var codec: ImageCodec?
  private var denoiserTraining: TrainingStep<RandomTrainingBatch>?
  private var codecTraining: TrainingStep<FloatTensor>?

  /// - Parameter steps: of `sample`; the model's own if nil.
  package init(_ model: BenchmarkModel, options: ComputeOptions, steps: Int?) {
    (self.model, self.options, self.steps) = (model, options, steps)
  }

  /// Loads what a test needs, frees what it doesn't, and returns a maker of its repetitions.
  package func workload(_ test: BenchmarkTest, batch: Int) throws -> (Int) throws -> Repetition {
    try requireMeasurable(test)
    freeAll(butFor: test)
    switch test {
    case .denoise:
      let denoiser = try loadedDenoiser()
      return { repetition in
        let input = NetworkInput.random(for: denoiser.facts, batch: batch, seed: UInt64(repetition))
        return {
          _ = try denoiser.logits(input)
          return batch
        }
      }
    case .sample:
      let sampling = try BenchmarkSampling(model, network: loadedDenoiser(), settings: settings())
      return { repetition in { try sampling.run(images: batch, first: repetition * batch) } }
    case .encode:
      let codec = try loadedCodec()
      return { repetition in
        let images = codec.randomImages(batch, seed: UInt64(repetition))
        return {
          _ = try codec.tokenizer.encode(images)
          return 0
        }
      }
    case .decode:
      let codec = try loadedCodec()
      return { repetition in
        let tokens = codec.randomTokens(images: batch, seed: UInt64(repetition))
        return {
          _ = try codec.tokenizer.decode(tokens)
          return 0
        }
      }
    case .train: return try denoiserTraining(batch: batch)
    case .trainVQVAE: return try codecTraining(batch: batch)
    case .loadDenoiser:
      return { _ in
        self.load {
          self.denoiser = nil
        } then: {
          self.denoiser = try self.model.denoiser(options: self.options)
        }
      }
    case .loadCodec:
      return { _ in
        self.load {
          self.codec = nil
        } then: {
          self.codec = try self.model.codec(options: self.options)
        }
      }
    }
  }

  /// - Throws: `BenchmarkError` for a test that the model or the options don't go with, before anything is loaded.
  package func requireMeasurable(_ test: BenchmarkTest) throws(BenchmarkError) {
    guard test.isTraining else { return }
    if test == .train, model.facts.takesTexts { throw .textConditional(model: model.name, test: test) }
    if options != ComputeOptions() { throw .arithmetic(test: test) }
  }

  private func freeAll(butFor test: BenchmarkTest) {
    if test.isTraining || !test.usesDenoiser { denoiser = nil }
    if test.isTraining || test.usesDenoiser { codec = nil }
    if test != .train { denoiserTraining = nil }
    if test != .trainVQVAE { codecTraining = nil }
  }

  private func denoiserTraining(batch: Int) throws -> (Int) throws -> Repetition {
    let facts = model.facts
    let step = try denoiserTraining ?? TrainingStep(DenoiserGraphs.graph(of: model.network), seed: Self.parameterSeed)
    denoiserTraining = step
    return { repetition in
      let input = RandomTrainingBatch(for: facts, batch: batch, seed: UInt64(repetition))
      return {
        _ = try step(input)
        return batch
      }
    }
  }

  private func codecTraining(batch: Int) throws -> (Int) throws -> Repetition {
    let step = try codecTraining ?? TrainingStep(TokenizerGraphs.graph(of: model.tokenizer()), seed: Self.parameterSeed)
    codecTraining = step
    let (height, width) = try imageSize()
    return { repetition in
      let images = FloatTensor.randomImages(batch, height: height, width: width, in: -1...1, seed: UInt64(repetition))
      return {
        _ = try step(images)
        return 0
      }
    }
  }

  private func load(_ free: () -> Void, then make: @escaping () throws -> Void) -> Repetition {
    free()
    return {
      try make()
      return 0
    }
  }

  private func loadedDenoiser() throws -> any DenoisingNetwork {
    if let denoiser { return denoiser }
    let made = try model.denoiser(options: options)
    denoiser = made
    return made
  }

  private func loadedCodec() throws -> ImageCodec {
    if let codec { return codec }
    let made = try model.codec(options: options)
    codec = made
    return made
  }

  private func settings() throws -> SamplingSettings {
    var settings = try model.defaultSettings()
    settings.steps = steps ?? settings.steps
    return settings
  }

  /// Steps of `sample`.
  package func sampleSteps() throws -> Int { try settings().steps }

  /// Height and width in pixels of the images that the model generates.
  private func imageSize() throws -> (height: Int, width: Int) {
    let tokenizer = try model.tokenizer()
    return tokenizer.imageSize(of: model.facts.layout) ?? (tokenizer.facts.height, tokenizer.facts.width)
  }

  /// The work of one unit of a test (a sequence of the denoiser, an image of the codec; nil for families that aren't counted), and the
  /// parameters of the part it runs. A training step counts as three forward passes: gradients with respect to inputs and to weights
  /// take as many products each.
  package func work(_ test: BenchmarkTest) throws -> (multiplyAddsPerUnit: Int?, parameters: Int) {
    if test.usesDenoiser {
      let parameters = model.network.tensorShapes.reduce(0) { $0 + $1.count }
      let count = WorkCount.denoiser(model.network)?.multiplyAdds
      return (test.isLoad ? 0 : count.map { $0 * (test.isTraining ? 3 : 1) }, parameters)
    }
    let codec = try model.tokenizer()
    let (height, width) = try imageSize()
    let encoder = WorkCount.encoder(codec, height: height, width: width)?.multiplyAdds
    let decoder = WorkCount.decoder(codec, height: height, width: width)?.multiplyAdds
    let perImage: Int? =
      switch test {
      case .encode: encoder
      case .decode: decoder
      case .trainVQVAE: encoder.flatMap { encoder in decoder.map { 3 * (encoder + $0) } }
      default: 0
      }
    return (perImage, codec.tensorShapes.reduce(0) { $0 + $1.count })
  }
}
