import CLIPText
import Checkpoint
import Diffusion
import Foundation
import Synchronization
import Transformer
import VQVAE

/// A checkpoint of the public VQ-Diffusion implementation with its YAML configuration.
///
/// The file is a dictionary with `model` and, usually, `ema`; a bare dictionary of the model's tensors is taken too. In `model` the
/// denoiser's tensors lie under `transformer.transformer`, the diffusion's buffers and the text encoder's under `transformer`,
/// and the autoencoder's under `content_codec`; `ema` holds averages of all that is under `transformer`.
struct MicrosoftCheckpoint: ModelImporter {
  let location: String
  private let tensorFile: any TensorSource
  private let configuration: MicrosoftConfiguration
  private let layout: MicrosoftLayout
  private let files: MicrosoftFiles
  private let codec = Kept<MicrosoftCodec>()

  /// Any file is taken for one: its contents tell whether it is.
  static func open(_ url: URL, isFolder: Bool, _ location: ModelLocation) throws -> (any ModelSource)? {
    isFolder ? nil : try MicrosoftCheckpoint(url, location)
  }

  /// - Throws: `ModelFileError.configurationMissing` without a YAML file; `ModelFileError`, `CheckpointError`.
  init(_ checkpoint: URL, _ model: ModelLocation) throws {
    guard let yaml = model.configuration else {
      throw ModelFileError.configurationMissing(file: checkpoint.path)
    }
    location = checkpoint.path
    configuration = try MicrosoftConfiguration(YAMLConfiguration(contentsOf: yaml))
    tensorFile = try TensorFile.open(checkpoint)
    layout = try MicrosoftLayout(tensorFile, prefersAverages: model.prefersAveragedWeights)
    files = MicrosoftFiles(checkpoint: checkpoint, configuration: yaml, model: model)
  }

  var settingsFile: String { configuration.file }

  func name() throws -> String { files.checkpoint.deletingPathExtension().lastPathComponent }

  func has(_ part: ModelPart) -> Bool {
    switch part {
    case .transformer, .scheduler: true
    case .vqvae: files.model.autoencoder != nil || layout.codec != nil || files.find(configuration.autoencoderPath) != nil
    case .textEncoder: configuration.denoiser.kind == .text && !layout.textEncoder.isEmpty
    }
  }

  /// What the public implementation's inference script asks for. Its guidance of classes is for models with a learned "no class".
  func defaults() throws -> StatedSettings? {
    var defaults = StatedSettings()
    defaults.sampler = SamplingMethod.ancestral.name
    defaults.steps = configuration.denoiser.timesteps
    switch configuration.denoiser.kind {
    case .classConditional:
      defaults.guidanceScale = try denoiserConfiguration().unconditionalClass == nil ? 1 : 1.5
      defaults.truncation = "0.94"
    case .text: defaults.guidanceScale = 5
    case .unconditional: defaults.truncation = "0.86"
    }
    return defaults
  }

  /// ImageNet's names for a model of a thousand classes, none otherwise.
  func labels() throws -> LabelSet {
    [1000, 1001].contains(configuration.denoiser.classRows) ? try LabelSet.imageNet() : LabelSet([])
  }

  func networkConfiguration() throws -> any NetworkConfiguration { try denoiserConfiguration() }

  private func denoiserConfiguration() throws -> VQDiffusionConfiguration {
    let table = layout.denoiser.first { $0.name == "blocks.0.ln2.emb.weight" }
    let rows = table.flatMap { tensorFile.shape(of: $0.original)?.first }
    return try checked(configuration.denoiser(classRows: rows, location: location))
  }

  func tokenizerConfiguration() throws -> any TokenizerConfiguration {
    try naming(.vqvae) { try TamingVQGANConfiguration(inferredFrom: WeightLoader(autoencoder().group.renamed())) }
  }

  func groups(of part: ModelPart) throws -> [TensorGroup] {
    switch part {
    case .transformer: [TensorGroup(tensorFile, entries: layout.denoiser)]
    case .vqvae: [try autoencoder().group]
    case .textEncoder: [TensorGroup(tensorFile, entries: layout.textEncoder)]
    case .scheduler: []
    }
  }

  func textParts() throws -> TextParts? {
    guard has(.textEncoder) else { return nil }
    var encoder = try naming(.textEncoder) {
      try CLIPTextConfiguration(openAI: WeightLoader(tensors(of: .textEncoder)))
    }
    encoder.normalizes = configuration.normalizesTexts
    let empty = reasonAgainstEmptyText == nil ? layout.emptyText : nil
    return TextParts(
      vocabulary: nil, merges: try CLIPVocabulary.merges(), variant: .reference, padding: .exclamationMark,
      configuration: encoder, names: .openAI, empty: empty.map { TextParts.EmptyText(sources: [tensorFile], name: $0) })
  }

  /// Why the vectors for "no text" aren't used; nil where they are.
  private var reasonAgainstEmptyText: String? {
    if configuration.learnsEmptyText == false { return "learnable_cf is False: these vectors weren't learned" }
    return files.model.usesLearnedEmptyText ? nil : "the vectors of the empty text are asked for"
  }

  /// The autoencoder: in a file named by the user, in the checkpoint, or in the file that the YAML names.
  private func autoencoder() throws -> MicrosoftCodec {
    try codec {
      if files.model.autoencoder == nil, let codec = layout.codec { return codec }
      let named = configuration.autoencoderPath
      guard let file = files.model.autoencoder ?? files.find(named) else {
        throw ModelFileError.missingAutoencoder(file: location, searched: [named].compactMap { $0 })
      }
      return try MicrosoftCodec(in: TensorFile.open(file))
    }
  }

  func codebookTable(codes: Int, reducedCodes: Int) throws -> [Int]? {
    guard configuration.hasReducedCodebook || files.model.codebookMap != nil else { return nil }
    let path = configuration.codebookMapPath
    guard let file = files.model.codebookMap ?? files.find(path) else {
      throw ModelFileError.missingCodebookMap(file: location, path: path)
    }
    let table = try TensorFile.open(file)
    guard let name = table.names.first, table.names.count == 1 else {
      throw ModelFileError.invalidInput(
        file: file.path, expected: "one tensor, a code for each of the autoencoder's \(codes)",
        found: "\(table.names.count) tensors")
    }
    return try table.integers(name, shape: [codes], in: 0..<reducedCodes)
  }

  func corruptionConfiguration() throws -> CorruptionConfiguration {
    .released(timesteps: configuration.denoiser.timesteps)
  }

  func configurationFile(of part: ModelPart) -> String { configuration.file }

  var ignored: [IgnoredTensor] {
    get throws {
      var ignored = layout.ignored
      if has(.vqvae) { ignored += try autoencoder().ignored }
      if files.model.autoencoder != nil, let own = layout.codec {
        ignored += own.ignored
        ignored += ignoring(own.group.entries.map(\.original), "another file's autoencoder is used")
      }
      let emptyText = [layout.emptyText].compactMap { $0 }
      if configuration.denoiser.kind != .text {
        ignored += ignoring(layout.textEncoder.map(\.original) + emptyText, "the model takes no texts")
      } else if let reason = reasonAgainstEmptyText {
        ignored += ignoring(emptyText, reason)
      }
      return ignored
    }
  }

  private func ignoring(_ names: [String], _ reason: String) -> [IgnoredTensor] {
    names.map { IgnoredTensor(file: location, name: $0, reason: reason) }
  }
}

/// A value that is made when it is first asked for, and then kept.
private final class Kept<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)

  func callAsFunction(_ make: () throws -> Value) throws -> Value {
    try value.withLock { value in
      if let value { return value }
      let made = try make()
      value = made
      return made
    }
  }
}

/// Files that a checkpoint's configuration names by paths of the machine that it was trained on.
struct MicrosoftFiles: Sendable {
  let checkpoint: URL
  let configuration: URL
  let model: ModelLocation

  /// The file at a path as the training program had it: under the working folder, under a folder above the configuration or the
  /// checkpoint, or by its last name beside them.
  func find(_ path: String?) -> URL? {
    guard let path else { return nil }
    let folders = [configuration, checkpoint].map { $0.deletingLastPathComponent().standardizedFileURL }
    var candidates = [URL(fileURLWithPath: path)]
    for folder in folders {
      var above = folder
      for _ in 0..<4 {
        candidates.append(above.appendingPathComponent(path))
        above.deleteLastPathComponent()
      }
      candidates.append(folder.appendingPathComponent((path as NSString).lastPathComponent))
    }
    return candidates.first { FileManager.default.fileExists(atPath: $0.path) }
  }
}
