import Foundation
import VQDiffusion

/// What goes to the terminal beside results.
enum Terminal {
  /// Whether someone watches standard error.
  static var isWatched: Bool { isatty(STDERR_FILENO) == 1 }

  /// Writes a line to standard error.
  static func report(_ text: String) { show(text + "\n") }

  /// Writes to standard error as far as possible: there is nowhere left to complain.
  static func show(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }

  /// Writes a line to standard output at once; `print` would hold it back when the output is a pipe.
  ///
  /// - Throws: `OutputError.unwritable`.
  static func output(_ text: String) throws(OutputError) {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
    } catch {
      throw .unwritable(path: "standard output", reason: String(cString: strerror(errno)))
    }
  }

  static func describe(_ error: any Error) -> String {
    let text = (error as? any LocalizedError)?.errorDescription ?? "\(error)"
    return text + ((error as? ModelFileError)?.option.map { "; name it with \($0)" } ?? "")
  }

  /// `text` in one line.
  static func line(_ text: String) -> String {
    printable(text).split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  /// `text` from a foreign file without the control characters that a terminal would obey.
  static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { $0 == "\n" || $0 == "\t" || $0.properties.generalCategory != .control ? $0 : "\u{FFFD}" }))
  }
}
