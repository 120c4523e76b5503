import CLIPText
import Checkpoint
import Diffusion
import Foundation
import Tensor
import Transformer
import VQVAE

/// Parts of a model; the raw value is the folder's name in this project's layout.
package enum ModelPart: String, CaseIterable, Sendable {
  case transformer, vqvae, scheduler
  case textEncoder = "text_encoder"
}

/// A model's files, in whatever layout: its configurations, and its tensors under this project's names. Nothing is read before it is
/// asked for, so that a program which needs one part never opens the others.
package protocol ModelSource: Sendable {
  /// The folder or file, for messages.
  var location: String { get }

  /// The file that `defaults` come from, for messages.
  var settingsFile: String { get }

  func has(_ part: ModelPart) -> Bool

  /// The model's name.
  func name() throws -> String

  /// The settings that the model comes with; nil if it states none.
  func defaults() throws -> StatedSettings?

  /// Class names.
  func labels() throws -> LabelSet

  /// The denoising network's architecture, checked.
  func networkConfiguration() throws -> any NetworkConfiguration

  /// The image tokenizer's architecture, checked.
  func tokenizerConfiguration() throws -> any TokenizerConfiguration

  /// A part's tensors, and the names that this project knows them by; none of the scheduler.
  func groups(of part: ModelPart) throws -> [TensorGroup]

  /// The reduced code of each of the autoencoder's codes; nil where the denoiser knows them all.
  func codebookTable(codes: Int, reducedCodes: Int) throws -> [Int]?

  func corruptionConfiguration() throws -> CorruptionConfiguration

  /// The files of the text encoder; nil for models without text conditioning.
  func textParts() throws -> TextParts?

  /// The file that a part's configuration is in, for messages.
  func configurationFile(of part: ModelPart) -> String

  /// Tensors of the files that no part uses, on purpose.
  var ignored: [IgnoredTensor] { get throws }
}

extension ModelSource {
  package var ignored: [IgnoredTensor] { [] }

  /// A part's tensors under this project's names.
  package func tensors(of part: ModelPart) throws -> [any TensorSource] { try groups(of: part).map { try $0.renamed() } }

  /// Loads the denoising network.
  package func network(options: ComputeOptions) throws -> any DenoisingNetwork {
    try networkConfiguration().network(WeightLoader(tensors(of: .transformer), options: options))
  }

  /// Loads the image tokenizer.
  ///
  /// - Parameter reducedCodes: the number of codes that the denoiser knows.
  package func tokenizer(reducedCodes: Int, options: ComputeOptions) throws -> any ImageTokenizer {
    let configuration = try tokenizerConfiguration()
    let map = try codebookTable(codes: configuration.facts.codes, reducedCodes: reducedCodes)
      .map { try CodebookMap(reduced: $0, reducedCodes: reducedCodes) }
    return try configuration.tokenizer(WeightLoader(tensors(of: .vqvae), options: options), codebookMap: map)
  }

  /// The corruption that a denoiser was trained against.
  ///
  /// - Throws: `ModelFileError.mismatchedParts` unless the timesteps are as many as the denoiser's, before a table of them is made.
  package func corruption(for facts: NetworkFacts) throws -> any Corruption {
    let configuration = try corruptionConfiguration()
    if let timesteps = facts.timesteps, configuration.timesteps != timesteps {
      throw ModelFileError.mismatchedParts(
        folder: location, expected: "\(timesteps) timesteps, as the transformer has",
        found: "\(configuration.timesteps) in the scheduler")
    }
    guard (1...1 << 20).contains(configuration.timesteps) else {
      throw ModelFileError.invalidConfiguration(
        file: configurationFile(of: .scheduler), field: "timesteps", expected: "1...\(1 << 20)",
        found: "\(configuration.timesteps)")
    }
    return try configuration.corruption(codes: facts.codes, file: configurationFile(of: .scheduler))
  }

  /// The model's own settings, checked.
  ///
  /// - Parameter stated: `defaults`
  package func settings(
    _ stated: StatedSettings?, corruption: any Corruption, facts: NetworkFacts
  ) throws -> SamplingSettings {
    do {
      return try (stated ?? StatedSettings()).settings(corruption: corruption, layout: facts.layout, canGuide: facts.canBeGuided)
    } catch {
      throw ModelFileError.unusable(file: settingsFile, reason: "defaults: \(error)")
    }
  }

  /// Runs `body`; errors of a configuration name the file that it is in.
  package func naming<R>(_ part: ModelPart, _ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch TransformerError.invalidConfiguration(let field, let expected, let found),
      VQVAEError.invalidConfiguration(let field, let expected, let found),
      CLIPTextError.invalidConfiguration(let field, let expected, let found)
    {
      throw ModelFileError.invalidConfiguration(
        file: configurationFile(of: part), field: field, expected: expected, found: found)
    }
  }

  /// A denoising network's configuration, once checked; its errors name the file that it is in.
  func checked<C: NetworkConfiguration>(_ configuration: C) throws -> C {
    try naming(.transformer) {
      try configuration.validate()
      return configuration
    }
  }

  /// An image tokenizer's configuration, once checked; its errors name the file that it is in.
  func checked<C: TokenizerConfiguration>(_ configuration: C) throws -> C {
    try naming(.vqvae) {
      try configuration.validate()
      return configuration
    }
  }
}
