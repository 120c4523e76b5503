import Checkpoint
import Diffusion
import Foundation
import Transformer
import VQVAE

/// A model as files, laid out as the diffusers project lays its folders:
///
///     model_index.json                  name, format, default settings
///     vqvae/config.json                 VQModelConfiguration
///     vqvae/model.safetensors           or several *.safetensors
///     vqvae/codebook_map.safetensors    optional: `full_to_reduced` I64 [full codes]
///     transformer/config.json           DenoiserConfiguration
///     transformer/model.safetensors
///     scheduler/config.json             the corruption schedule
///     labels.json                       class names in index order; absent in unconditional models
struct ModelFolder: ModelSource {
  let folder: ConfigurationFolder

  /// `model_index.json`.
  private struct Index: Codable {
    var format: Int
    var name: String
    var defaults: GenerationDefaults?
  }

  /// - Throws: `PipelineError.missingPart` unless there is such a folder.
  init(_ url: URL) throws(PipelineError) { folder = try ConfigurationFolder(url) }

  var location: String { folder.url.path }
  var settingsFile: String { folder.path("model_index.json") }

  func has(_ part: ModelPart) -> Bool { folder.has(part.rawValue) }

  func name() throws -> String {
    folder.has("model_index.json") ? try index().name : folder.url.lastPathComponent
  }

  func defaults() throws -> GenerationDefaults? { try index().defaults }

  private func index() throws -> Index {
    let index: Index = try folder.decode("model_index.json")
    guard index.format == 1 else {
      throw PipelineError.invalidConfiguration(
        file: folder.path("model_index.json"), field: "format", expected: "1", found: "\(index.format)")
    }
    return index
  }

  func denoiserConfiguration() throws -> DenoiserConfiguration {
    try checked(folder.decode("transformer/config.json") as DenoiserConfiguration)
  }

  func vqModelConfiguration() throws -> VQModelConfiguration {
    try checked(folder.decode("vqvae/config.json") as VQModelConfiguration)
  }

  func tensors(of part: ModelPart) throws -> [any TensorSource] {
    switch part {
    case .transformer, .vqvae: try folder.safetensors(in: part.rawValue, except: CodebookMapFile.name)
    case .scheduler: []
    }
  }

  func codebookTable(codes: Int, reducedCodes: Int) throws -> [Int]? {
    guard folder.has(CodebookMapFile.path) else { return nil }
    let file = try SafetensorsFile(folder.url.appendingPathComponent(CodebookMapFile.path))
    let table = try file.integers(CodebookMapFile.tensor, shape: [codes], in: 0..<reducedCodes)
    try file.expectOnly([CodebookMapFile.tensor])
    return table
  }

  func scheduler() throws -> SchedulerConfiguration { try folder.decode("scheduler/config.json") }

  /// The classes' names; empty if the folder has none.
  func labels() throws(PipelineError) -> LabelSet {
    folder.has("labels.json") ? try folder.decode("labels.json") : LabelSet([])
  }

  func configurationFile(of part: ModelPart) -> String { folder.path("\(part.rawValue)/config.json") }
}

/// The table from the full codebook to the reduced one.
enum CodebookMapFile {
  static let name = "codebook_map.safetensors"
  static let path = "vqvae/\(name)"
  static let tensor = "full_to_reduced"
}
