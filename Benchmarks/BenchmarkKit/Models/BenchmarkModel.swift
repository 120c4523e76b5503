import Diffusion
import Foundation
import ModelFiles
import Tensor
import Transformer
import VQDiffusion
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
  package let network: any NetworkConfiguration

  package var facts: NetworkFacts { network.facts }

  /// - Parameter option: `builtin`, the name of a `RandomArchitecture`, or the path of a model folder.
  /// - Throws: `ModelFileError` for a folder that can't be read.
  package init(_ option: String) throws {
    if let random = RandomArchitecture(rawValue: option) {
      (source, name) = (.random(random), option)
      network = try random.network()
    } else {
      let files = try ModelLocation(option == Self.builtInName ? nil : URL(fileURLWithPath: option)).source()
      (source, name) = (.files(files), try files.name())
      network = try files.networkConfiguration()
    }
  }

  package func tokenizer() throws -> any TokenizerConfiguration {
    switch source {
    case .files(let files): try files.tokenizerConfiguration()
    case .random(let random): try random.tokenizer()
    }
  }

  /// Loads or makes the denoising network, and nothing else.
  package func denoiser(options: ComputeOptions) throws -> any DenoisingNetwork {
    switch source {
    case .files(let files): try files.network(options: options)
    case .random(let random): try random.denoiser(options: options)
    }
  }

  /// Loads or makes the image tokenizer, and nothing else.
  package func codec(options: ComputeOptions) throws -> ImageCodec {
    let tokenizer =
      switch source {
      case .files(let files): try LoadedModel.tokenizer(files, for: facts, options: options)
      case .random(let random): try random.codec(options: options)
      }
    return try ImageCodec(tokenizer, layout: facts.layout)
  }

  /// Bytes of a part's weights as stored; nil for random weights, which aren't.
  package func storedBytes(of part: ModelPart) throws -> Int? {
    guard case .files(let files) = source else { return nil }
    return try files.tensors(of: part).reduce(0) { $0 + $1.byteCount }
  }

  /// The corruption; with random weights the one that released models have.
  package func corruption() throws -> any Corruption {
    switch source {
    case .files(let files): return try files.corruption(for: facts)
    case .random: return try MaskAndReplaceCorruption(timesteps: facts.timesteps ?? 100, codes: facts.codes)
    }
  }

  /// The model's own settings; with random weights purity sampling in 25 steps, guided.
  package func defaultSettings() throws -> SamplingSettings {
    switch source {
    case .files(let files): return try files.settings(files.defaults(), corruption: corruption(), facts: facts)
    case .random: return SamplingSettings(method: .purity(weight: 1), steps: 25, guidanceScale: 3)
    }
  }
}
