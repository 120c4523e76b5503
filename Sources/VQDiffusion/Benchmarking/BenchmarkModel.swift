import Diffusion
import Foundation
import Tensor
import Transformer
import VQVAE

/// A model whose parts are loaded apart, so that each can be measured without the others.
package struct BenchmarkModel: Sendable {
  private enum Source: Sendable {
    case files(any ModelSource)
    case random(RandomArchitecture)
  }

  /// What `init(_:)` takes besides folders.
  package static let builtInName = "builtin"

  private let source: Source
  package let name: String
  package let denoiserConfiguration: DenoiserConfiguration

  /// - Parameter option: `builtin`, the name of a `RandomArchitecture`, or the path of a model folder.
  /// - Throws: `PipelineError` for a folder that can't be read.
  package init(_ option: String) throws {
    if let random = RandomArchitecture(rawValue: option) {
      (source, name) = (.random(random), option)
      denoiserConfiguration = try random.denoiserConfiguration()
    } else {
      let files = try ModelLocation(option == Self.builtInName ? nil : URL(fileURLWithPath: option)).source()
      (source, name) = (.files(files), try files.name())
      denoiserConfiguration = try files.denoiserConfiguration()
    }
  }

  package func codecConfiguration() throws -> VQModelConfiguration {
    switch source {
    case .files(let files): try files.vqModelConfiguration()
    case .random(let random): try random.codecConfiguration()
    }
  }

  /// Loads or makes the denoiser, and nothing else.
  package func denoiser() throws -> DenoisingTransformer {
    switch source {
    case .files(let files): try files.denoiser()
    case .random(let random): try random.denoiser()
    }
  }

  /// Loads or makes the autoencoder, and nothing else.
  package func codec() throws -> ImageCodec {
    switch source {
    case .files(let files): try ImageCodec(files, for: denoiserConfiguration)
    case .random(let random): try random.codec()
    }
  }

  /// Bytes of a part's weights as stored; nil for random weights, which aren't.
  package func storedBytes(of part: ModelPart) throws -> Int? {
    guard case .files(let files) = source else { return nil }
    return try files.tensors(of: part).reduce(0) { $0 + $1.byteCount }
  }

  /// The corruption schedule; with random weights the one that released models have.
  package func kernel() throws -> any CorruptionKernel {
    switch source {
    case .files(let files): return try files.kernel(for: denoiserConfiguration)
    case .random:
      return try MaskAndReplaceSchedule(
        timesteps: denoiserConfiguration.timesteps, codes: denoiserConfiguration.codebookSize)
    }
  }

  /// The model's own settings; with random weights purity sampling in 25 steps, guided.
  package func defaultSettings() throws -> GenerationSettings {
    switch source {
    case .files(let files):
      return try files.settings(files.defaults(), kernel: kernel(), configuration: denoiserConfiguration)
    case .random: return GenerationSettings(method: .purity(weight: 1), steps: 25, guidanceScale: 3)
    }
  }
}
