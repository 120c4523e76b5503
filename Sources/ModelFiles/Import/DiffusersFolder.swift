import CLIPText
import Checkpoint
import Diffusion
import Foundation
import Tensor
import Transformer
import VQVAE

/// A folder of diffusers' `VQDiffusionPipeline`, as `microsoft/vq-diffusion-ithq` is published.
struct DiffusersFolder: ModelImporter {
  private let folder: ConfigurationFolder

  init(_ folder: ConfigurationFolder) { self.folder = folder }

  static func open(_ url: URL, isFolder: Bool, _ location: ModelLocation) throws -> (any ModelSource)? {
    guard isFolder else { return nil }
    let folder = try ConfigurationFolder(url)
    return isOne(folder) ? DiffusersFolder(folder) : nil
  }

  /// Whether a folder is one of diffusers', whose configurations name their class; this project's state their format, and may name a
  /// class besides.
  static func isOne(_ folder: ConfigurationFolder) -> Bool {
    let index: StatedFormat? = try? folder.decode("model_index.json")
    if index?.isThere == true { return false }
    struct ClassName: Decodable {
      var name: String
      enum CodingKeys: String, CodingKey { case name = "_class_name" }
    }
    return ["model_index.json", "transformer/config.json", "vqvae/config.json"].contains { file in
      let found: ClassName? = try? folder.decode(file)
      return found != nil
    }
  }

  var location: String { folder.url.path }
  var settingsFile: String { folder.path("model_index.json") }

  func has(_ part: ModelPart) -> Bool { folder.has(part.rawValue) }

  /// The folder's name; of a snapshot in Hugging Face's cache, `models--ORGANISATION--NAME/snapshots/HASH`, the model's.
  func name() throws -> String {
    let path = folder.url.standardizedFileURL.pathComponents.suffix(3)
    guard path.count == 3, path.dropFirst().first == "snapshots", let model = path.first?.suffix(after: "models--") else {
      return folder.url.standardizedFileURL.lastPathComponent
    }
    let parts = model.components(separatedBy: "--")
    return parts.count > 1 ? parts.dropFirst().joined(separator: "--") : model
  }

  /// The pipeline's own: guidance of 5 and no truncation, at all timesteps.
  func defaults() throws -> StatedSettings? {
    var defaults = StatedSettings()
    defaults.sampler = SamplingMethod.ancestral.name
    defaults.steps = try transformer().timesteps
    defaults.guidanceScale = 5
    return defaults
  }

  func labels() throws -> LabelSet { LabelSet([]) }

  private func transformer() throws -> DiffusersTransformer { try folder.decode("transformer/config.json") }

  func networkConfiguration() throws -> any NetworkConfiguration {
    let length = try has(.textEncoder) ? textConfiguration().contextLength : CLIPTextConfiguration().contextLength
    return try checked(
      transformer().configuration(textLength: length, file: configurationFile(of: .transformer)))
  }

  private func vqModel() throws -> DiffusersVQModel { try folder.decode("vqvae/config.json") }

  func tokenizerConfiguration() throws -> any TokenizerConfiguration {
    try naming(.vqvae) { try vqModel().configuration() }
  }

  func groups(of part: ModelPart) throws -> [TensorGroup] {
    if part == .scheduler { return [] }
    let files = try tensorFiles(of: part.rawValue)
    if part == .textEncoder { return files.map { TensorGroup(all: $0) } }
    let names = try part == .vqvae ? autoencoderNames(files) : [:]
    return try files.map { file in
      TensorGroup(
        file,
        entries: try file.names.map { original in
          if let use = names[original] { return use }
          guard part == .transformer, let name = DiffusersTransformer.name(of: original) else {
            throw CheckpointError.unexpectedTensors(file: file.file, names: [original])
          }
          return .init(name: name, original: original)
        })
    }
  }

  /// How the autoencoder's tensors are used, by the names that they have in its files.
  private func autoencoderNames(_ files: [any TensorSource]) throws -> [String: RenamedTensors.Entry] {
    let tensors = try naming(.vqvae) { try vqModel().tensors(among: files.flatMap(\.names)) }
    return Dictionary(tensors.map { ($0.original, $0) }) { first, _ in first }
  }

  private func tensorFiles(of part: String) throws -> [any TensorSource] {
    try PartFiles(of: part, in: folder).chosen.map { try TensorFile.open($0) }
  }

  private static let emptyTextPart = "learned_classifier_free_sampling_embeddings"

  /// Tensor files that nobody asked for, such as an optimizer's or those of another precision.
  var ignored: [IgnoredTensor] {
    get throws {
      var parts = ModelPart.allCases.filter { $0 != .scheduler && has($0) }.map(\.rawValue)
      if try textParts()?.empty != nil { parts.append(Self.emptyTextPart) }
      return try parts.flatMap { part in
        try PartFiles(of: part, in: folder).others.map {
          IgnoredTensor(file: $0.path, name: "\(part)/\($0.lastPathComponent)", reason: "not one of the files that are read")
        }
      }
    }
  }

  func codebookTable(codes: Int, reducedCodes: Int) throws -> [Int]? { nil }

  /// `scheduler/scheduler_config.json`.
  private struct Scheduler: Decodable {
    var timesteps: Int
    var alpha1: Double
    var alphaT: Double
    var gamma1: Double
    var gammaT: Double

    enum CodingKeys: String, CodingKey {
      case timesteps = "num_train_timesteps"
      case alpha1 = "alpha_cum_start"
      case alphaT = "alpha_cum_end"
      case gamma1 = "gamma_cum_start"
      case gammaT = "gamma_cum_end"
    }
  }

  func corruptionConfiguration() throws -> CorruptionConfiguration {
    let scheduler: Scheduler = try folder.decode("scheduler/scheduler_config.json")
    return CorruptionConfiguration(
      kind: CorruptionKind.maskAndReplace.rawValue, timesteps: scheduler.timesteps, alpha1: scheduler.alpha1,
      alphaT: scheduler.alphaT, gamma1: scheduler.gamma1, gammaT: scheduler.gammaT)
  }

  private func textConfiguration() throws -> CLIPTextConfiguration { try folder.decode("text_encoder/config.json") }

  func textParts() throws -> TextParts? {
    guard has(.textEncoder) else { return nil }
    let tokenizer = folder.url.appendingPathComponent("tokenizer")
    return TextParts(
      vocabulary: tokenizer.appendingPathComponent("vocab.json"), merges: tokenizer.appendingPathComponent("merges.txt"),
      variant: .huggingFace, padding: try SpecialTokens.padding(in: folder), configuration: try textConfiguration(),
      names: .huggingFace, empty: try learnedEmptyText())
  }

  /// The learned vectors that stand for "no text", as they are stored.
  private func learnedEmptyText() throws -> TextParts.EmptyText? {
    struct Configuration: Decodable {
      var learnable: Bool
    }
    let part = Self.emptyTextPart
    guard folder.has(part) else { return nil }
    let configuration: Configuration = try folder.decode("\(part)/config.json")
    guard configuration.learnable else { return nil }
    return TextParts.EmptyText(sources: try tensorFiles(of: part), name: "embeddings")
  }

  func configurationFile(of part: ModelPart) -> String {
    folder.path(part == .scheduler ? "scheduler/scheduler_config.json" : "\(part.rawValue)/config.json")
  }
}

/// Whether a model's index states a format, of whatever kind: `ModelFolder` says what is wrong with it.
private struct StatedFormat: Decodable {
  let isThere: Bool

  private enum CodingKeys: String, CodingKey { case format }

  init(from decoder: any Decoder) throws {
    isThere = try decoder.container(keyedBy: CodingKeys.self).contains(.format)
  }
}
