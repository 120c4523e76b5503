import Foundation

/// A folder that appears under its name only when complete: filled beside it, then renamed.
package enum AtomicFolder {
  /// As `make`, in place of a folder that is there already, which goes once the new one is complete.
  ///
  /// - Throws: as `make`.
  package static func replace(_ url: URL, fill: (URL) throws -> Void) throws {
    let manager = FileManager.default
    guard manager.fileExists(atPath: url.path) else { return try make(url, fill: fill) }
    let parent = url.standardizedFileURL.deletingLastPathComponent()
    let (fresh, old) = (
      parent.appendingPathComponent(".\(UUID().uuidString).new"), parent.appendingPathComponent(".\(UUID().uuidString).old")
    )
    try make(fresh, fill: fill)
    do {
      try manager.moveItem(at: url, to: old)
      do { try manager.moveItem(at: fresh, to: url) } catch {
        try? manager.moveItem(at: old, to: url)
        throw error
      }
      // The new folder stands; what is left of the old one is no reason to fail.
      try? manager.removeItem(at: old)
    } catch {
      try? manager.removeItem(at: fresh)
      throw FileError.unwritable(path: url.path, reason: error.localizedDescription)
    }
  }

  /// Makes a folder that `fill` fills; if that throws, nothing is left.
  ///
  /// - Throws: `FileError.unwritable` if there is something of that name already, or the system refuses; what `fill` throws.
  package static func make(_ url: URL, fill: (URL) throws -> Void) throws {
    let manager = FileManager.default
    let parent = url.standardizedFileURL.deletingLastPathComponent()
    let partial = parent.appendingPathComponent(".\(UUID().uuidString).partial", isDirectory: true)
    let missing = missingFolders(above: partial)
    do {
      guard !manager.fileExists(atPath: url.path) else {
        throw FileError.unwritable(path: url.path, reason: "there is something of that name already")
      }
      try manager.createDirectory(at: partial, withIntermediateDirectories: true)
      try fill(partial)
      try manager.moveItem(at: partial, to: url)
    } catch {
      try? manager.removeItem(at: partial)
      for folder in missing where (try? manager.contentsOfDirectory(atPath: folder.path))?.isEmpty == true {
        try? manager.removeItem(at: folder)
      }
      if let error = error as? CocoaError { throw FileError.unwritable(path: url.path, reason: error.localizedDescription) }
      throw error
    }
  }

  /// The folders above one that don't exist, the deepest first.
  private static func missingFolders(above url: URL) -> [URL] {
    var (missing, folder) = ([URL](), url.deletingLastPathComponent())
    while folder.pathComponents.count > 1, !FileManager.default.fileExists(atPath: folder.path) {
      missing.append(folder)
      folder.deleteLastPathComponent()
    }
    return missing
  }
}
