import CLIPText
import Checkpoint
import Foundation

/// A folder of JSON and tensor files.
struct ConfigurationFolder: Sendable {
  let url: URL

  /// - Throws: `PipelineError.missingPart` unless there is such a folder.
  init(_ url: URL) throws(PipelineError) {
    guard Self.isFolder(url) else { throw .missingPart(folder: url.path, part: "such folder") }
    self.url = url
  }

  func path(_ file: String) -> String { url.appendingPathComponent(file).path }

  /// Whether a file or folder of that name is there.
  func has(_ file: String) -> Bool { FileManager.default.fileExists(atPath: path(file)) }

  /// The largest file that is read: vocabularies have a megabyte.
  private static let largestFile = 1 << 26

  /// - Throws: `PipelineError.missingPart`, `.unreadable`, `.invalidConfiguration`.
  func decode<T: Decodable>(_ file: String) throws(PipelineError) -> T {
    guard has(file) else { throw .missingPart(folder: url.path, part: file) }
    let data = try SmallFile.contents(of: url.appendingPathComponent(file), limit: Self.largestFile, kind: "a JSON file")
    do {
      return try JSONDecoder().decode(T.self, from: data)
    } catch let error as DecodingError {
      throw PipelineError(error, file: path(file))
    } catch CLIPTextError.invalidConfiguration(let field, let expected, let found) {
      throw .invalidConfiguration(file: path(file), field: field, expected: expected, found: found)
    } catch {
      throw .unreadable(file: path(file), reason: error.localizedDescription)
    }
  }

  /// The safetensors files of a part, opened.
  ///
  /// - Throws: `PipelineError.missingPart` unless there is one; `CheckpointError`.
  func safetensors(in part: String, except excluded: [String]) throws -> [any TensorSource] {
    let files = try files(in: part, withExtension: "safetensors").filter { !excluded.contains($0.lastPathComponent) }
    guard !files.isEmpty else { throw PipelineError.missingPart(folder: url.path, part: "\(part)/model.safetensors") }
    return try files.map { try SafetensorsFile($0) }
  }

  /// A part's files of a kind, sorted by name.
  func files(in part: String, withExtension pathExtension: String) throws(PipelineError) -> [URL] {
    let folder = url.appendingPathComponent(part)
    guard Self.isFolder(folder) else { throw .missingPart(folder: url.path, part: "\(part)/") }
    do {
      return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        .filter { $0.pathExtension == pathExtension }.sorted { $0.path < $1.path }
    } catch {
      throw .unreadable(file: folder.path, reason: error.localizedDescription)
    }
  }

  static func isFolder(_ url: URL) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) && isDirectory.boolValue
  }
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
    case is LabelSet.Entry.Type: "a string or an object"
    case is Bool.Type: "true or false"
    case is [Any].Type, is [Int].Type, is [String].Type: "an array"
    case is [String: Any].Type: "an object"
    default: "\(type)"
    }
  }
}
