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
struct ModelFolder {
  let url: URL

  /// `model_index.json`.
  struct Index: Decodable {
    var format: Int
    var name: String
    var defaults: GenerationDefaults?
  }

  /// - Throws: `PipelineError.missingPart` unless there is such a folder.
  init(_ url: URL) throws(PipelineError) {
    guard Self.isFolder(url) else { throw .missingPart(folder: url.path, part: "such folder") }
    self.url = url
  }

  func index() throws -> Index {
    let index: Index = try decode("model_index.json")
    guard index.format == 1 else {
      throw PipelineError.invalidConfiguration(
        file: path("model_index.json"), field: "format", expected: "1", found: "\(index.format)")
    }
    return index
  }

  /// Whether a file or folder of that name is there.
  func has(_ part: String) -> Bool { FileManager.default.fileExists(atPath: path(part)) }

  func denoiserConfiguration() throws -> DenoiserConfiguration {
    let file = "transformer/config.json"
    let configuration: DenoiserConfiguration = try decode(file)
    do {
      try configuration.validate()
    } catch TransformerError.invalidConfiguration(let field, let expected, let found) {
      throw PipelineError.invalidConfiguration(file: path(file), field: field, expected: expected, found: found)
    }
    return configuration
  }

  func denoiser() throws -> DenoisingTransformer {
    try DenoisingTransformer(denoiserConfiguration(), weights: weights(of: "transformer"))
  }

  func vqModelConfiguration() throws -> VQModelConfiguration {
    let file = "vqvae/config.json"
    let configuration: VQModelConfiguration = try decode(file)
    do {
      try configuration.validate()
    } catch VQVAEError.invalidConfiguration(let field, let expected, let found) {
      throw PipelineError.invalidConfiguration(file: path(file), field: field, expected: expected, found: found)
    }
    return configuration
  }

  func vqModel(reducedCodes: Int) throws -> VQModel {
    let configuration = try vqModelConfiguration()
    let map = try codebookMap(codes: configuration.codes, reducedCodes: reducedCodes)
    return try VQModel(configuration, weights: weights(of: "vqvae", except: CodebookMapFile.name), codebookMap: map)
  }

  private func codebookMap(codes: Int, reducedCodes: Int) throws -> CodebookMap? {
    guard has(CodebookMapFile.path) else { return nil }
    let file = try SafetensorsFile(url.appendingPathComponent(CodebookMapFile.path))
    let table = try file.integers(CodebookMapFile.tensor, shape: [codes], in: 0..<reducedCodes)
    try file.expectOnly([CodebookMapFile.tensor])
    return try CodebookMap(reduced: table, reducedCodes: reducedCodes)
  }

  func scheduler() throws -> SchedulerConfiguration { try decode("scheduler/config.json") }

  /// The corruption that a denoiser was trained against.
  ///
  /// - Throws: `PipelineError.mismatchedParts` unless the timesteps are as many as the denoiser's, before a table of them is made.
  func kernel(for configuration: DenoiserConfiguration) throws -> any CorruptionKernel {
    let scheduler = try scheduler()
    guard scheduler.timesteps == configuration.timesteps else {
      throw PipelineError.mismatchedParts(
        folder: url.path, expected: "\(configuration.timesteps) timesteps, as the transformer has",
        found: "\(scheduler.timesteps) in the scheduler")
    }
    return try scheduler.kernel(codes: configuration.codebookSize, file: path("scheduler/config.json"))
  }

  /// The model's own settings, checked.
  func defaultSettings(
    _ index: Index, kernel: any CorruptionKernel, configuration: DenoiserConfiguration
  ) throws(PipelineError) -> GenerationSettings {
    do {
      return try (index.defaults ?? GenerationDefaults()).settings(
        kernel: kernel, shape: GridShape(rows: configuration.grid[0], columns: configuration.grid[1]),
        canGuide: configuration.kind != .unconditional)
    } catch {
      throw .unusable(file: path("model_index.json"), reason: "defaults: \(error)")
    }
  }

  /// Class names in index order; empty if the folder has none.
  func labels() throws -> [String] {
    has("labels.json") ? try decode("labels.json") : []
  }

  /// The tensors of a part: all its safetensors files together.
  func weights(of part: String, except excluded: String = "") throws -> Weights {
    let files = try tensorFiles(of: part).filter { $0.lastPathComponent != excluded }
    guard !files.isEmpty else { throw PipelineError.missingPart(folder: url.path, part: "\(part)/model.safetensors") }
    return try Weights(files.map { file in try SafetensorsFile(file) })
  }

  func tensorFiles(of part: String) throws(PipelineError) -> [URL] {
    let folder = url.appendingPathComponent(part)
    guard Self.isFolder(folder) else { throw .missingPart(folder: url.path, part: "\(part)/") }
    do {
      return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        .filter { $0.pathExtension == "safetensors" }.sorted { $0.path < $1.path }
    } catch {
      throw .unreadable(file: folder.path, reason: error.localizedDescription)
    }
  }

  private func path(_ file: String) -> String { url.appendingPathComponent(file).path }

  private func decode<T: Decodable>(_ file: String) throws(PipelineError) -> T {
    guard has(file) else { throw .missingPart(folder: url.path, part: file) }
    do {
      return try JSONDecoder().decode(T.self, from: Data(contentsOf: url.appendingPathComponent(file)))
    } catch let error as DecodingError {
      throw PipelineError(error, file: path(file))
    } catch {
      throw .unreadable(file: path(file), reason: error.localizedDescription)
    }
  }

  private static func isFolder(_ url: URL) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) && isDirectory.boolValue
  }
}

/// The table from the full codebook to the reduced one.
enum CodebookMapFile {
  static let name = "codebook_map.safetensors"
  static let path = "vqvae/\(name)"
  static let tensor = "full_to_reduced"
}

extension PipelineError {
  /// Foundation's description of a JSON file that doesn't hold what it should.
  init(_ error: DecodingError, file: String) {
    func field(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
      (context.codingPath + (last.map { [$0] } ?? [])).map(\.stringValue).joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context):
      self = .invalidConfiguration(file: file, field: field(context, key), expected: "a value", found: "nothing")
    case .valueNotFound(let type, let context):
      self = .invalidConfiguration(file: file, field: field(context), expected: Self.jsonName(of: type), found: "null")
    case .typeMismatch(let type, let context):
      self = .invalidConfiguration(file: file, field: field(context), expected: Self.jsonName(of: type), found: "another type")
    case .dataCorrupted(let context):
      // Foundation says the same of broken JSON and of a fraction where a count belongs.
      self = .invalidConfiguration(
        file: file, field: field(context), expected: "valid JSON, with whole numbers for counts",
        found: context.debugDescription)
    @unknown default:
      self = .unreadable(file: file, reason: "\(error)")
    }
  }

  /// What a Swift type is called in JSON; Foundation names arrays and objects by types of its own.
  private static func jsonName(of type: any Any.Type) -> String {
    switch type {
    case is Int.Type, is UInt64.Type: "a whole number"
    case is Double.Type: "a number"
    case is String.Type: "a string"
    case is Bool.Type: "true or false"
    case is [Any].Type, is [Int].Type, is [String].Type: "an array"
    case is [String: Any].Type: "an object"
    default: "\(type)"
    }
  }
}
