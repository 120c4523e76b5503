import Foundation

/// A file that appears under its name only when complete: written beside it, then renamed.
///
/// Without a `commit()` the object's end removes what was written; a file that was there before stays as it is.
package final class AtomicFile {
  private let target: String
  private let folder: String
  private let partial: String
  private let descriptor: Int32
  private let isDurable: Bool
  private var isCommitted = false

  /// - Parameter isDurable: whether the file is flushed to the disk before it gets its name, so that it outlasts a power
  ///   failure. Takes milliseconds.
  /// - Throws: `FileError.unwritable`, also where something other than a file bears the name: renaming over a device, a
  ///   pipe or a folder would destroy it or fail late.
  package init(_ url: URL, isDurable: Bool = true) throws(FileError) {
    target = url.path
    self.isDurable = isDurable
    folder = url.deletingLastPathComponent().path
    partial = folder + "/." + String(UInt64.random(in: .min ... .max), radix: 16) + ".partial"
    var status = stat()
    if stat(target, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      descriptor = -1
      throw .unwritable(path: target, reason: "something that isn't a regular file bears the name")
    }
    descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .unwritable(path: target, reason: lastSystemError()) }
  }

  /// Puts `bytes` in the place of a file, whole or not at all.
  ///
  /// - Throws: as `init` and `commit`.
  package static func replace(_ url: URL, with bytes: [UInt8], isDurable: Bool = true) throws(FileError) {
    let file = try AtomicFile(url, isDurable: isDurable)
    try bytes.withUnsafeBytes { bytes in Result { () throws(FileError) in try file.write(bytes) } }.get()
    try file.commit()
  }

  /// Appends `bytes`.
  ///
  /// - Throws: `FileError.unwritable`.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      // Some systems refuse more than 2^31 bytes a call.
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
      let written = Foundation.write(descriptor, piece.baseAddress, piece.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw .unwritable(path: target, reason: lastSystemError())
      }
      rest = rest.dropFirst(written)
    }
  }

  /// Puts the finished file in its place.
  ///
  /// - Throws: `FileError.unwritable`.
  package func commit() throws(FileError) {
    guard !isDurable || fsync(descriptor) == 0, rename(partial, target) == 0 else {
      throw .unwritable(path: target, reason: lastSystemError())
    }
    isCommitted = true
    guard isDurable else { return }
    // Makes the new name durable too; not every file system can, and the file is complete either way.
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
