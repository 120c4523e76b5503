import CLIPText
import Checkpoint
import Diffusion
import Foundation
import Transformer
import VQVAE

/// What a model consists of; the raw value is the folder's name in this project's layout.
package enum ModelPart: String, CaseIterable, Sendable {
  case transformer, vqvae, scheduler
  case textEncoder = "text_encoder"
}

/// A model's files, in whatever layout: its configurations, and its tensors under this project's names. Nothing is read before it is
/// asked for, so that a program which needs one part never opens the others.
protocol ModelSource: Sendable {
  /// The folder or file, for messages.
  var location: String { get }

  /// The file that `defaults` come from, for messages.
  var settingsFile: String { get }

  func has(_ part: ModelPart) -> Bool

  /// The model's name.
  func name() throws -> String

  /// The settings that the model comes with; nil if it states none.
  func defaults() throws -> GenerationDefaults?

  /// Class names.
  func labels() throws -> LabelSet

  /// Checked.
  func denoiserConfiguration() throws -> DenoiserConfiguration

  /// Checked.
  func vqModelConfiguration() throws -> VQModelConfiguration

  /// A part's tensors, and the names that this project knows them by; none of the scheduler.
  func groups(of part: ModelPart) throws -> [TensorGroup]

  /// The reduced code of each of the autoencoder's codes; nil where the denoiser knows them all.
  func codebookTable(codes: Int, reducedCodes: Int) throws -> [Int]?

  func scheduler() throws -> SchedulerConfiguration

  /// What turns texts into vectors; nil in a model without texts.
  func textParts() throws -> TextParts?

  /// The file that a part's configuration is in, for messages.
  func configurationFile(of part: ModelPart) -> String

  /// Tensors of the files that no part uses, on purpose.
  var ignored: [IgnoredTensor] { get throws }
}

extension ModelSource {
  var ignored: [IgnoredTensor] { [] }

  /// A part's tensors under this project's names.
  func tensors(of part: ModelPart) throws -> [any TensorSource] { try groups(of: part).map { try $0.renamed() } }

  func denoiser() throws -> DenoisingTransformer {
    try DenoisingTransformer(denoiserConfiguration(), weights: Weights(tensors(of: .transformer)))
  }

  func vqModel(reducedCodes: Int) throws -> VQModel {
    let configuration = try vqModelConfiguration()
    let map = try codebookTable(codes: configuration.codes, reducedCodes: reducedCodes)
      .map { try CodebookMap(reduced: $0, reducedCodes: reducedCodes) }
    return try VQModel(configuration, weights: Weights(tensors(of: .vqvae)), codebookMap: map)
  }

  /// The corruption that a denoiser was trained against.
  ///
  /// - Throws: `PipelineError.mismatchedParts` unless the timesteps are as many as the denoiser's, before a table of them is made.
  func kernel(for configuration: DenoiserConfiguration) throws -> any CorruptionKernel {
    let scheduler = try scheduler()
    guard scheduler.timesteps == configuration.timesteps else {
      throw PipelineError.mismatchedParts(
        folder: location, expected: "\(configuration.timesteps) timesteps, as the transformer has",
        found: "\(scheduler.timesteps) in the scheduler")
    }
    return try scheduler.kernel(codes: configuration.codebookSize, file: configurationFile(of: .scheduler))
  }

  /// The model's own settings, checked.
  func settings(
    _ defaults: GenerationDefaults?, kernel: any CorruptionKernel, configuration: DenoiserConfiguration
  ) throws(PipelineError) -> GenerationSettings {
    do {
      return try (defaults ?? GenerationDefaults()).settings(
        kernel: kernel, shape: GridShape(rows: configuration.grid[0], columns: configuration.grid[1]),
        canGuide: configuration.kind != .unconditional)
    } catch {
      throw .unusable(file: settingsFile, reason: "defaults: \(error)")
    }
  }

  /// A denoiser's configuration, once checked; its errors name the file that it is in.
  func checked(_ configuration: DenoiserConfiguration) throws -> DenoiserConfiguration {
    try asPipelineErrors(in: .transformer) {
      try configuration.validate()
      return configuration
    }
  }

  /// An autoencoder's configuration, once checked; its errors name the file that it is in.
  func checked(_ configuration: VQModelConfiguration) throws -> VQModelConfiguration {
    try asPipelineErrors(in: .vqvae) {
      try configuration.validate()
      return configuration
    }
  }

  /// Runs `body`; what it finds wrong with a configuration names the file that this is in.
  func asPipelineErrors<R>(in part: ModelPart, _ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch TransformerError.invalidConfiguration(let field, let expected, let found),
      VQVAEError.invalidConfiguration(let field, let expected, let found),
      CLIPTextError.invalidConfiguration(let field, let expected, let found)
    {
      throw PipelineError.invalidConfiguration(
        file: configurationFile(of: part), field: field, expected: expected, found: found)
    }
  }
}
