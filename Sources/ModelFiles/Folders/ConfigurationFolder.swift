import CLIPText
import Checkpoint
import Files
import Foundation

/// A folder of JSON and tensor files.
struct ConfigurationFolder: Sendable {
  let url: URL

  /// - Throws: `ModelFileError.missingPart` unless there is such a folder.
  init(_ url: URL) throws(ModelFileError) {
    guard Self.isFolder(url) else { throw .missingPart(folder: url.path, part: "such folder") }
    self.url = url
  }

  func path(_ file: String) -> String { url.appendingPathComponent(file).path }

  /// Whether a file or folder of that name is there.
  func has(_ file: String) -> Bool { FileManager.default.fileExists(atPath: path(file)) }

  /// The largest file that is read: vocabularies have a megabyte.
  private static let largestFile = 1 << 26

  /// - Throws: `ModelFileError.missingPart`, `.unreadable`, `.invalidConfiguration`.
  func decode<T: Decodable>(_ file: String) throws(ModelFileError) -> T {
    guard has(file) else { throw .missingPart(folder: url.path, part: file) }
    do {
      let data = try SmallFile.contents(of: url.appendingPathComponent(file), limit: Self.largestFile, kind: "a JSON file")
      return try JSONDecoder().decode(T.self, from: data)
    } catch let error as FileError {
      throw ModelFileError(error)
    } catch let error as DecodingError {
      throw ModelFileError(error, file: path(file))
    } catch CLIPTextError.invalidConfiguration(let field, let expected, let found) {
      throw .invalidConfiguration(file: path(file), field: field, expected: expected, found: found)
    } catch {
      throw .unreadable(file: path(file), reason: error.localizedDescription)
    }
  }

  /// The safetensors files of a part, opened.
  ///
  /// - Throws: `ModelFileError.missingPart` unless there is one; `CheckpointError`.
  func safetensors(in part: String, except excluded: [String]) throws -> [any TensorSource] {
    let files = try files(in: part, withExtension: "safetensors").filter { !excluded.contains($0.lastPathComponent) }
    guard !files.isEmpty else { throw ModelFileError.missingPart(folder: url.path, part: "\(part)/model.safetensors") }
    return try files.map { try SafetensorsFile($0) }
  }

  /// A part's files of a kind, sorted by name.
  func files(in part: String, withExtension pathExtension: String) throws(ModelFileError) -> [URL] {
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
