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

  /// The file of results that aren't images.
  ///
  /// - Throws: `OutputError.wrongExtension` unless it ends in `.safetensors`.
  static func tensorFile(_ text: String) throws(OutputError) -> URL {
    guard text.lowercased().hasSuffix(".safetensors") else { throw .wrongExtension(path: text, expected: ".safetensors") }
    return URL(fileURLWithPath: text)
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }

  /// Checks, before the work, that files can be put at `urls`: that nothing but regular files bears their names, that these aren't
  /// too long, and that their folders, or the nearest ones above that there are, take new files.
  ///
  /// - Throws: `OutputError.unwritable`.
  static func check(_ urls: some Sequence<URL>) throws(OutputError) {
    var tried: Set<String> = []
    for url in urls {
      var status = stat()
      if stat(url.path, &status) != 0 {
        if errno == ENAMETOOLONG { throw .unwritable(path: url.path, reason: systemError()) }
      } else if status.st_mode & S_IFMT != S_IFREG {
        throw .unwritable(path: url.path, reason: "something else than a file has that name")
      }
      let folder = url.deletingLastPathComponent()
      if tried.insert(folder.path).inserted { try checkFolder(folder, of: url) }
    }
  }

  private static func checkFolder(_ folder: URL, of url: URL) throws(OutputError) {
    var folder = folder
    while access(folder.path, F_OK) != 0, folder.path != "/" {
      guard errno == ENOENT else { throw .unwritable(path: url.path, reason: "\(folder.path): \(systemError())") }
      folder.deleteLastPathComponent()
    }
    guard isFolder(folder.path) else { throw .unwritable(path: url.path, reason: "\(folder.path) isn't a folder") }
    // Only trying tells: rights say nothing about read-only and special file systems.
    let probe = folder.appendingPathComponent(".vqdiff-\(UUID().uuidString).tmp").path
    let descriptor = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .unwritable(path: url.path, reason: "\(folder.path): \(systemError())") }
    close(descriptor)
    unlink(probe)
  }

  /// Checks, before the work, that a folder can be made: that nothing bears its name, and that the folder above takes it.
  ///
  /// - Throws: `OutputError.unwritable`.
  static func checkNewFolder(_ url: URL) throws(OutputError) {
    guard access(url.path, F_OK) != 0 else {
      throw .unwritable(path: url.path, reason: "there is something of that name already")
    }
    try checkFolder(url.standardizedFileURL.deletingLastPathComponent(), of: url)
  }

  /// Makes the folder of a file that is about to be written.
  ///
  /// - Throws: `OutputError.unwritable`.
  static func makeFolder(of url: URL) throws(OutputError) {
    do {
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    } catch {
      throw .unwritable(path: url.path, reason: "its folder can't be made")
    }
  }

  private static func systemError() -> String { String(cString: strerror(errno)) }
}
