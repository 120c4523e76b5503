import Diffusion
import Foundation
import Tensor
import Transformer
import VQVAE

/// A model whose parts are loaded apart, so that each can be measured without the others.
package struct BenchmarkModel: Sendable {
  private enum Source: Sendable {
    case folder(ModelFolder)
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
      let folder = try ModelFolder(
        option == Self.builtInName ? BuiltInModel.folder() : URL(fileURLWithPath: option, isDirectory: true))
      (source, name) = (.folder(folder), folder.has("model_index.json") ? try folder.index().name : folder.url.lastPathComponent)
      denoiserConfiguration = try folder.denoiserConfiguration()
    }
  }

  package func codecConfiguration() throws -> VQModelConfiguration {
    switch source {
    case .folder(let folder): try folder.vqModelConfiguration()
    case .random(let random): try random.codecConfiguration()
    }
  }

  /// Loads or makes the denoiser, and nothing else.
  package func denoiser() throws -> DenoisingTransformer {
    switch source {
    case .folder(let folder): try folder.denoiser()
    case .random(let random): try random.denoiser()
    }
  }

  /// Loads or makes the autoencoder, and nothing else.
  package func codec() throws -> ImageCodec {
    switch source {
    case .folder(let folder): try ImageCodec(folder, for: denoiserConfiguration)
    case .random(let random): try random.codec()
    }
  }

  /// Bytes of the files of a part's weights; nil for random weights, which have none.
  package func fileBytes(ofPart part: String) throws -> Int? {
    guard case .folder(let folder) = source else { return nil }
    return try folder.tensorFiles(of: part).reduce(0) { sum, file in
      sum + (try file.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0)
    }
  }

  /// The corruption schedule; with random weights the one that released models have.
  package func kernel() throws -> any CorruptionKernel {
    switch source {
    case .folder(let folder): return try folder.kernel(for: denoiserConfiguration)
    case .random:
      return try MaskAndReplaceSchedule(
        timesteps: denoiserConfiguration.timesteps, codes: denoiserConfiguration.codebookSize)
    }
  }

  /// The model's own settings; with random weights the built-in model's.
  package func defaultSettings() throws -> GenerationSettings {
    switch source {
    case .folder(let folder):
      let index = try folder.index()
      return try folder.defaultSettings(index, kernel: kernel(), configuration: denoiserConfiguration)
    case .random: return GenerationSettings(method: .purity(weight: 1), steps: 25, guidanceScale: 3)
    }
  }
}
