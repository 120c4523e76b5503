import CLIPText
import Checkpoint
import Diffusion
import Foundation
import Transformer
import VQVAE

/// A checkpoint of the public VQ-Diffusion implementation with its YAML configuration.
///
/// The file is a dictionary with `model` and, usually, `ema`; a bare dictionary of the model's tensors is taken too. In `model` the
/// denoiser's tensors lie under `transformer.transformer`, the diffusion's buffers and the text encoder's under `transformer`,
/// and the autoencoder's under `content_codec`; `ema` holds averages of all that is under `transformer`.
struct MicrosoftCheckpoint: ModelSource {
  let location: String
  private let tensorFile: any TensorSource
  private let configuration: MicrosoftConfiguration
  private let layout: MicrosoftLayout
  private let files: MicrosoftFiles

  /// - Throws: `PipelineError.configurationMissing` without a YAML file; `PipelineError`, `CheckpointError`.
  init(_ checkpoint: URL, _ model: ModelLocation) throws {
    guard let yaml = model.configuration else {
      throw PipelineError.configurationMissing(file: checkpoint.path)
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
    case .vqvae: files.model.autoencoder != nil || !layout.codec.isEmpty || files.find(configuration.autoencoderPath) != nil
    case .textEncoder: configuration.denoiser.kind == .text && !layout.textEncoder.isEmpty
    }
  }

  /// What the public implementation's inference script asks for.
  func defaults() throws -> GenerationDefaults? {
    var defaults = GenerationDefaults()
    defaults.sampler = SamplingMethod.Name.ancestral.rawValue
    defaults.steps = configuration.denoiser.timesteps
    switch configuration.denoiser.kind {
    case .classConditional: (defaults.guidanceScale, defaults.truncation) = (1.5, "0.94")
    case .text: defaults.guidanceScale = 5
    case .unconditional: defaults.truncation = "0.86"
    }
    return defaults
  }

  /// ImageNet's names for a model of a thousand classes, none otherwise.
  func labels() throws -> LabelSet {
    [1000, 1001].contains(configuration.denoiser.classRows) ? try LabelSet.imageNet() : LabelSet([])
  }

  func denoiserConfiguration() throws -> DenoiserConfiguration {
    let table = layout.denoiser.first { $0.name == "blocks.0.ln2.emb.weight" }
    let rows = table.flatMap { tensorFile.shape(of: $0.original)?.first }
    return try checked(configuration.denoiser(classRows: rows, location: location))
  }

  func vqModelConfiguration() throws -> VQModelConfiguration {
    try asPipelineErrors(in: .vqvae) { try VQModelConfiguration(inferredFrom: Weights(codecGroup().renamed())) }
  }

  func groups(of part: ModelPart) throws -> [TensorGroup] {
    switch part {
    case .transformer: [TensorGroup(tensorFile, entries: layout.denoiser)]
    case .vqvae: [try codecGroup()]
    case .textEncoder: [TensorGroup(tensorFile, entries: layout.textEncoder)]
    case .scheduler: []
    }
  }

  func textParts() throws -> TextParts? {
    guard has(.textEncoder) else { return nil }
    let configuration = try asPipelineErrors(in: .textEncoder) {
      try CLIPTextConfiguration(openAI: Weights(tensors(of: .textEncoder)))
    }
    return TextParts(
      vocabulary: nil, merges: try CLIPVocabulary.merges(), variant: .reference, configuration: configuration, names: .openAI,
      empty: layout.emptyText.map { TextParts.EmptyText(sources: [tensorFile], name: $0) })
  }

  /// The autoencoder's tensors: in a file named by the user, in the checkpoint, or in the file that the YAML names.
  private func codecGroup() throws -> TensorGroup {
    if let apart = try codecApart() { return apart.group }
    guard !layout.codec.isEmpty else {
      throw PipelineError.missingPart(
        folder: location,
        part:
          "autoencoder (content_codec.…), and none at \(configuration.autoencoderPath ?? "another path"); name it with --vqvae")
    }
    return TensorGroup(tensorFile, entries: layout.codec)
  }

  /// The autoencoder in a file of its own; nil where it is the checkpoint's.
  private func codecApart() throws -> (group: TensorGroup, ignored: [IgnoredTensor])? {
    let named = layout.codec.isEmpty ? files.find(configuration.autoencoderPath) : nil
    return try (files.model.autoencoder ?? named).map { try MicrosoftLayout.codec(in: TensorFile.open($0)) }
  }

  func codebookTable(codes: Int, reducedCodes: Int) throws -> [Int]? {
    let path = configuration.codebookMapPath
    if path == nil, files.model.codebookMap == nil { return nil }
    guard let file = files.model.codebookMap ?? files.find(path) else {
      throw PipelineError.missingPart(
        folder: location,
        part: "\(path ?? "table"), which maps the autoencoder's codes to the denoiser's; name it with --codebook-map")
    }
    let table = try TensorFile.open(file)
    guard let name = table.names.first, table.names.count == 1 else {
      throw PipelineError.invalidInput(
        file: file.path, expected: "one tensor, a code for each of the autoencoder's \(codes)",
        found: "\(table.names.count) tensors")
    }
    return try table.integers(name, shape: [codes], in: 0..<reducedCodes)
  }

  func scheduler() throws -> SchedulerConfiguration {
    .released(timesteps: configuration.denoiser.timesteps)
  }

  func configurationFile(of part: ModelPart) -> String { configuration.file }

  var ignored: [IgnoredTensor] {
    get throws {
      var ignored = layout.ignored
      if let apart = try codecApart() {
        ignored += layout.codec.map {
          IgnoredTensor(file: location, name: $0.original, reason: "another file's autoencoder is used")
        }
        ignored += apart.ignored
      }
      if configuration.denoiser.kind != .text {
        let texts = layout.textEncoder.map(\.original) + [layout.emptyText].compactMap { $0 }
        ignored += texts.map { IgnoredTensor(file: location, name: $0, reason: "the model takes no texts") }
      }
      return ignored
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
    guard let path, !path.isEmpty, path != "None" else { return nil }
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
