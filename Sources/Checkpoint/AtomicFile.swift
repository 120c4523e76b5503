import Foundation

/// A file that appears under its name only when complete: written beside it, flushed to the disk, then renamed.
///
/// Without a `commit()` the object's end removes what was written; a file that was there before stays as it is.
package final class AtomicFile {
  private let target: String
  private let folder: String
  private let partial: String
  private let descriptor: Int32
  private var isCommitted = false

  /// - Throws: `CheckpointError.unwritable`.
  package init(_ url: URL) throws(CheckpointError) {
    target = url.path
    folder = url.deletingLastPathComponent().path
    partial = folder + "/." + String(UInt64.random(in: .min ... .max), radix: 16) + ".partial"
    descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .unwritable(file: target, reason: lastSystemError()) }
  }

  /// Appends `bytes`.
  ///
  /// - Throws: `CheckpointError.unwritable`.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      // Some systems refuse more than 2^31 bytes a call.
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
      let written = Foundation.write(descriptor, piece.baseAddress, piece.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw .unwritable(file: target, reason: lastSystemError())
      }
      rest = rest.dropFirst(written)
    }
  }

  /// Puts the finished file in its place.
  ///
  /// - Throws: `CheckpointError.unwritable`.
  package func commit() throws(CheckpointError) {
    guard fsync(descriptor) == 0, rename(partial, target) == 0 else {
      throw .unwritable(file: target, reason: lastSystemError())
    }
    isCommitted = true
    // Makes the new name outlast a power failure; not every file system can, and the file is complete either way.
    let parent = open(folder, O_RDONLY | O_CLOEXEC)
    if parent >= 0 {
      fsync(parent)
      close(parent)
    }
  }

  deinit {
    // The end of an object that failed to open: there is nothing to close or remove.
    guard descriptor >= 0 else { return }
    close(descriptor)
    if !isCommitted { unlink(partial) }
  }
}
