import Foundation

/// A folder that appears under its name only when complete: filled beside it, then renamed.
enum AtomicFolder {
  /// Makes a folder that `fill` fills; if that throws, nothing is left.
  ///
  /// - Throws: `PipelineError.unwritable` if there is something of that name already, or the system refuses; what `fill` throws.
  static func make(_ url: URL, fill: (URL) throws -> Void) throws {
    let manager = FileManager.default
    let parent = url.standardizedFileURL.deletingLastPathComponent()
    let partial = parent.appendingPathComponent(".\(UUID().uuidString).partial", isDirectory: true)
    do {
      guard !manager.fileExists(atPath: url.path) else {
        throw PipelineError.unwritable(path: url.path, reason: "there is something of that name already")
      }
      try manager.createDirectory(at: partial, withIntermediateDirectories: true)
      try fill(partial)
      try manager.moveItem(at: partial, to: url)
    } catch {
      try? manager.removeItem(at: partial)
      if let error = error as? CocoaError { throw PipelineError.unwritable(path: url.path, reason: error.localizedDescription) }
      throw error
    }
  }
}
