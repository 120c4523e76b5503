import Files
import Foundation

/// What can go wrong with the log of a run's metrics and the plots made of it.
public enum MetricsError: Error, Sendable, Equatable {
  /// The file can't be opened or read.
  case unreadable(file: String, reason: String)
  /// The file can't be written; what was there before is untouched.
  case unwritable(file: String, reason: String)
  /// A line, counted from 1, isn't what a log holds there.
  case badLine(file: String, line: Int, expected: String, found: String)
}

extension MetricsError: LocalizedError, CustomStringConvertible {
  public var errorDescription: String? { description }

  public var description: String {
    switch self {
    case .unreadable(let file, let reason): "\(file): expected a readable file, found: \(reason)"
    case .unwritable(let file, let reason): "\(file): expected to write the file, found: \(reason)"
    case .badLine(let file, let line, let expected, let found): "\(file):\(line): expected \(expected), found \(found)"
    }
  }
}

/// Puts `bytes` in the place of a file, whole or not at all.
///
/// - Throws: `MetricsError.unwritable`.
func replaceFile(at url: URL, with bytes: some Collection<UInt8>) throws(MetricsError) {
  do throws(FileError) {
    try AtomicFile.replace(url, with: Array(bytes))
  } catch {
    throw .unwritable(file: url.path, reason: error.reason)
  }
}
