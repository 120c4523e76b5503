import Checkpoint
import Foundation

/// A configuration or a vocabulary, read as a whole. Pipes and devices, which needn't end, aren't read.
enum SmallFile {
  /// - Parameters:
  ///   - limit: the most bytes that are read.
  ///   - kind: what the file should be, for messages.
  /// - Throws: `PipelineError.unreadable` for anything but a regular file, `.invalidConfiguration` for a larger one.
  static func contents(of url: URL, limit: Int, kind: String) throws(PipelineError) -> Data {
    let file: MappedFile
    do {
      file = try MappedFile(url)
    } catch .unreadable(_, let reason) {
      throw .unreadable(file: url.path, reason: reason)
    } catch {
      throw .unreadable(file: url.path, reason: "\(error)")
    }
    guard file.bytes.count <= limit else {
      throw .invalidConfiguration(
        file: url.path, field: "", expected: "\(kind) of at most \(limit) bytes", found: "\(file.bytes.count)")
    }
    return withExtendedLifetime(file) { Data(file.bytes) }
  }
}
