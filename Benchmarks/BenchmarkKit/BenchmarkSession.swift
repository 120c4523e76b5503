import Tensor
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
  private var denoiser: DenoisingTransformer?
  private var codec: ImageCodec?

  /// - Parameter steps: of `sample`; the model's own if nil.
  package init(_ model: BenchmarkModel, options: ComputeOptions, steps: Int?) {
    (self.model, self.options, self.steps) = (model, options, steps)
  }

  /// Loads what a test needs, frees what it doesn't, and returns a maker of its repetitions.
  package func workload(_ test: BenchmarkTest, batch: Int) throws -> (Int) throws -> Repetition {
    if test.usesDenoiser { codec = nil } else { denoiser = nil }
    switch test {
    case .denoise:
      let denoiser = try loadedDenoiser()
      return { repetition in
        let input = RandomDenoiserInput(for: denoiser.configuration, batch: batch, seed: UInt64(repetition))
        return {
          _ = try input.logits(by: denoiser)
          return batch
        }
      }
    case .sample:
      let sampling = try BenchmarkSampling(model, denoiser: loadedDenoiser(), settings: settings())
      return { repetition in { try sampling.run(images: batch, first: repetition * batch) } }
    case .encode:
      let codec = try loadedCodec()
      return { repetition in
        let images = codec.randomImages(batch, seed: UInt64(repetition))
        return {
          _ = try codec.vqModel.encode(images)
          return 0
        }
      }
    case .decode:
      let codec = try loadedCodec()
      return { repetition in
        let tokens = codec.randomTokens(images: batch, seed: UInt64(repetition))
        return {
          _ = try codec.vqModel.decode(tokens)
          return 0
        }
      }
    case .loadDenoiser:
      return { _ in
        self.load {
          self.denoiser = nil
        } then: {
          self.denoiser = try self.model.denoiser()
        }
      }
    case .loadCodec:
      return { _ in
        self.load {
          self.codec = nil
        } then: {
          self.codec = try self.model.codec()
        }
      }
    }
  }

  private func load(_ free: () -> Void, then make: @escaping () throws -> Void) -> Repetition {
    free()
    return {
      try ComputeOptions.$current.withValue(self.options, operation: make)
      return 0
    }
  }

  private func loadedDenoiser() throws -> DenoisingTransformer {
    if let denoiser { return denoiser }
    let made = try ComputeOptions.$current.withValue(options) { try model.denoiser() }
    denoiser = made
    return made
  }

  private func loadedCodec() throws -> ImageCodec {
    if let codec { return codec }
    let made = try ComputeOptions.$current.withValue(options) { try model.codec() }
    codec = made
    return made
  }

  private func settings() throws -> GenerationSettings {
    var settings = try model.defaultSettings()
    settings.steps = steps ?? settings.steps
    return settings
  }

  /// Steps of `sample`.
  package func sampleSteps() throws -> Int { try settings().steps }

  /// What one unit of a test (a sequence of the denoiser, an image of the codec) takes, and the parameters of the part it runs.
  package func work(_ test: BenchmarkTest) throws -> (multiplyAddsPerUnit: Int, parameters: Int) {
    let configuration = model.denoiserConfiguration
    if test.usesDenoiser {
      let count = WorkCount(denoiser: configuration)
      return (test.isLoad ? 0 : count.multiplyAdds, count.parameters)
    }
    let codec = try model.codecConfiguration()
    let (height, width) = (configuration.grid[0] * codec.downsamplingFactor, configuration.grid[1] * codec.downsamplingFactor)
    let encoder = WorkCount(encoder: codec, height: height, width: width)
    let decoder = WorkCount(decoder: codec, height: height, width: width)
    let perImage = test == .encode ? encoder.multiplyAdds : test == .decode ? decoder.multiplyAdds : 0
    return (perImage, encoder.parameters + decoder.parameters)
  }
}
