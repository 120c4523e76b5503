import Foundation

/// A configuration or a vocabulary, read as a whole. Pipes and devices, which needn't end, are refused.
package enum SmallFile {
  /// - Parameters:
  ///   - limit: the most bytes that are read.
  ///   - kind: what the file should be, for messages.
  /// - Throws: `FileError.unreadable` for anything but a regular file, `.tooLarge` for more than `limit` bytes.
  package static func contents(of url: URL, limit: Int, kind: String) throws(FileError) -> Data {
    let file = try MappedFile(url)
    guard file.bytes.count <= limit else {
      throw .tooLarge(file: url.path, expected: "\(kind) of at most \(limit) bytes", found: file.bytes.count)
    }
    return withExtendedLifetime(file) { Data(file.bytes) }
  }
}
