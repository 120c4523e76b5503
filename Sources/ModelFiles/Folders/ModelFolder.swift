import CLIPText
import Checkpoint
import Diffusion
import Foundation
import Transformer
import VQVAE

/// A model as files, laid out as the diffusers project lays its folders:
///
///     model_index.json                  name, format, default settings
///     vqvae/config.json                 TamingVQGANConfiguration, or another tokenizer's (`ModelFamilies`)
///     vqvae/model.safetensors           or several *.safetensors
///     vqvae/codebook_map.safetensors    optional: `full_to_reduced` I64 [full codes]
///     transformer/config.json           VQDiffusionConfiguration, or another network's
///     transformer/model.safetensors
///     scheduler/config.json             the corruption
///     labels.json                       class names in index order; absent in unconditional models
///     tokenizer/                        merges.txt, perhaps vocab.json, config.json; only of text-conditional models
///     text_encoder/config.json          CLIPTextConfiguration
///     text_encoder/model.safetensors
///     text_encoder/empty_text.safetensors   optional: `embeddings` [text length, text width]
struct ModelFolder: ModelSource {
  let folder: ConfigurationFolder

  /// `model_index.json`.
  struct Index: Codable {
    var format: Int
    var name: String
    var defaults: StatedSettings?
  }

  /// - Throws: `ModelFileError.missingPart` unless there is such a folder.
  init(_ url: URL) throws(ModelFileError) { self.init(try ConfigurationFolder(url)) }

  init(_ folder: ConfigurationFolder) { self.folder = folder }

  var location: String { folder.url.path }
  var settingsFile: String { folder.path("model_index.json") }

  func has(_ part: ModelPart) -> Bool { folder.has(part.rawValue) }

  func name() throws -> String {
    folder.has("model_index.json") ? try index().name : folder.url.lastPathComponent
  }

  func defaults() throws -> StatedSettings? { try index().defaults }

  private func index() throws -> Index {
    let index: Index = try folder.decode("model_index.json")
    guard index.format == 1 else {
      throw ModelFileError.invalidConfiguration(
        file: folder.path("model_index.json"), field: "format", expected: "1", found: "\(index.format)")
    }
    return index
  }

  func networkConfiguration() throws -> any NetworkConfiguration {
    try checked(folder.networkConfiguration("transformer/config.json"))
  }

  func tokenizerConfiguration() throws -> any TokenizerConfiguration {
    try checked(folder.tokenizerConfiguration("vqvae/config.json"))
  }

  func groups(of part: ModelPart) throws -> [TensorGroup] {
    if part == .scheduler { return [] }
    let others = [CodebookMapFile.name, EmptyTextFile.name]
    return try folder.safetensors(in: part.rawValue, except: others).map { TensorGroup(all: $0) }
  }

  func codebookTable(codes: Int, reducedCodes: Int) throws -> [Int]? {
    guard folder.has(CodebookMapFile.path) else { return nil }
    let file = try SafetensorsFile(folder.url.appendingPathComponent(CodebookMapFile.path))
    let table = try file.integers(CodebookMapFile.tensor, shape: [codes], in: 0..<reducedCodes)
    try file.expectOnly([CodebookMapFile.tensor])
    return table
  }

  func corruptionConfiguration() throws -> CorruptionConfiguration { try folder.decode("scheduler/config.json") }

  /// The classes' names; empty if the folder has none.
  func labels() throws(ModelFileError) -> LabelSet {
    folder.has("labels.json") ? try folder.decode("labels.json") : LabelSet([])
  }

  /// What `text_encoder/config.json` and `tokenizer/config.json` state besides the encoder's architecture.
  struct TextSettings: Decodable {
    var tensorNames: CLIPTensorNames?
    var variant: CLIPTokenizer.Variant?
    var padding: CLIPTokenizer.Padding?

    enum CodingKeys: String, CodingKey {
      case variant, padding
      case tensorNames = "tensor_names"
    }
  }

  func textParts() throws -> TextParts? {
    guard has(.textEncoder) else { return nil }
    let tokenizer = folder.url.appendingPathComponent("tokenizer")
    let encoder: TextSettings = try folder.decode("text_encoder/config.json")
    let settings: TextSettings =
      folder.has("tokenizer/config.json") ? try folder.decode("tokenizer/config.json") : TextSettings()
    return TextParts(
      vocabulary: folder.has("tokenizer/vocab.json") ? tokenizer.appendingPathComponent("vocab.json") : nil,
      merges: tokenizer.appendingPathComponent("merges.txt"), variant: settings.variant ?? .reference,
      padding: settings.padding ?? .exclamationMark,
      configuration: try folder.decode("text_encoder/config.json"), names: encoder.tensorNames ?? .huggingFace,
      empty: folder.has(EmptyTextFile.path)
        ? .init(
          sources: [try SafetensorsFile(folder.url.appendingPathComponent(EmptyTextFile.path))], name: EmptyTextFile.tensor)
        : nil)
  }

  func configurationFile(of part: ModelPart) -> String { folder.path("\(part.rawValue)/config.json") }
}

/// The learned vectors that stand for "no text".
enum EmptyTextFile {
  static let name = "empty_text.safetensors"
  static let path = "text_encoder/\(name)"
  static let tensor = "embeddings"
}

/// The table from the full codebook to the reduced one.
enum CodebookMapFile {
  static let name = "codebook_map.safetensors"
  static let path = "vqvae/\(name)"
  static let tensor = "full_to_reduced"
}
