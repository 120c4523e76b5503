import Foundation

/// Where results go: a file, a folder, or files by a pattern.
enum OutputPath: Equatable {
  case file(URL)
  case folder(URL)
  case pattern(NumberedPattern)

  /// Reads `text`: a pattern if it has a percent sign, a folder if there is one of that name or the name has no extension or
  /// ends with a slash, otherwise a file.
  ///
  /// - Throws: `OutputError.badConversion`, `.conversionCount`, `.wrongExtension` unless files end in `.png`.
  init(images text: String) throws(OutputError) {
    let isPattern = text.contains("%")
    if !isPattern, text.hasSuffix("/") || Self.isFolder(text) || (text as NSString).pathExtension.isEmpty {
      self = .folder(URL(fileURLWithPath: text, isDirectory: true))
      return
    }
    guard text.lowercased().hasSuffix(".png") else { throw .wrongExtension(path: text, expected: ".png") }
    self = isPattern ? .pattern(try NumberedPattern(text)) : .file(URL(fileURLWithPath: text))
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }

  /// Checks, before the work, that a file can be put at `url`: that nothing but a regular file bears its name and that its
  /// folder, or the nearest one above it that there is, can be written to.
  ///
  /// - Throws: `OutputError.unwritable`.
  static func check(_ url: URL) throws(OutputError) {
    var status = stat()
    if stat(url.path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      throw .unwritable(path: url.path, reason: "something else than a file has that name")
    }
    try checkFolder(url.deletingLastPathComponent(), of: url)
  }

  /// - Throws: `OutputError.unwritable`.
  static func checkFolder(_ folder: URL, of url: URL) throws(OutputError) {
    var folder = folder
    while access(folder.path, F_OK) != 0, folder.path != "/" {
      guard errno == ENOENT else { throw .unwritable(path: url.path, reason: "\(folder.path): \(systemError())") }
      folder.deleteLastPathComponent()
    }
    guard isFolder(folder.path) else { throw .unwritable(path: url.path, reason: "\(folder.path) isn't a folder") }
    guard access(folder.path, W_OK | X_OK) == 0 else {
      throw .unwritable(path: url.path, reason: "\(folder.path): \(systemError())")
    }
  }

  /// Makes the folder of a file that is about to be written.
  static func makeFolder(of url: URL) throws(OutputError) {
    do {
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    } catch {
      throw .unwritable(path: url.path, reason: "its folder can't be made")
    }
  }

  private static func systemError() -> String { String(cString: strerror(errno)) }
}
