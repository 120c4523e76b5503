import Foundation

/// Keeps other processes out of a run's folder as long as it lives. The system lets go of it when the process ends, however it does.
final class RunLock: Sendable {
  private let descriptor: Int32

  /// - Throws: `TrainingRunError.folderInUse` while another process has it, `.unwritable`.
  init(_ folder: URL) throws(TrainingRunError) {
    let file = folder.appendingPathComponent(".lock").path
    descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .unwritable(path: file, reason: String(cString: strerror(errno))) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw .folderInUse(folder: folder.path, found: "another process at work on it")
    }
  }

  deinit { close(descriptor) }
}
