import Foundation

/// Errors of reading and writing whole files and folders.
public enum FileError: Error, Sendable, Equatable {
  /// A file that can't be opened, mapped or read.
  case unreadable(file: String, reason: String)
  /// A file with more bytes than its kind may have.
  case tooLarge(file: String, expected: String, found: Int)
  /// A file or folder that can't be written; what was there before is untouched.
  case unwritable(path: String, reason: String)
}

extension FileError: LocalizedError, CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let file, let reason): "\(file): can't be read: \(reason)"
    case .tooLarge(let file, let expected, let found): "\(file): expected \(expected), found \(found)"
    case .unwritable(let path, let reason): "\(path): can't be written: \(reason)"
    }
  }

  public var errorDescription: String? { description }

  /// What went wrong, without the file's name: for errors of other modules that name the file themselves.
  package var reason: String {
    switch self {
    case .unreadable(_, let reason), .unwritable(_, let reason): reason
    case .tooLarge(_, let expected, let found): "expected \(expected), found \(found)"
    }
  }
}

/// The operating system's words for `errno`.
package func lastSystemError() -> String { String(cString: strerror(errno)) }
