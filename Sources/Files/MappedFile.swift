import Foundation

#if !_endian(little)
  #error("Files are little-endian and read in place")
#endif

/// A file mapped read-only into memory, for as long as the object lives.
///
/// Reading the bytes after another process has cut the file short ends the program (SIGBUS), as with every mapping.
package final class MappedFile: @unchecked Sendable {
  /// The file's path, for messages.
  package let path: String
  /// The file's contents, page-aligned; empty for an empty file.
  package let bytes: UnsafeRawBufferPointer

  /// - Throws: `FileError.unreadable`.
  package init(_ url: URL) throws(FileError) {
    path = url.path
    // Non-blocking, so that a pipe is refused below instead of being waited for.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .unreadable(file: path, reason: lastSystemError()) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable(file: path, reason: lastSystemError()) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .unreadable(file: path, reason: "not a regular file") }
    let count = Int(status.st_size)
    // The system refuses to map nothing.
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
      throw .unreadable(file: path, reason: lastSystemError())
    }
    bytes = UnsafeRawBufferPointer(start: start, count: count)
  }

  /// Tells the system that a range of bytes won't be read again soon; what is read all the same comes from the file again.
  package func release(_ range: Range<Int>) {
    guard let start = bytes.baseAddress, !range.isEmpty else { return }
    let page = Int(getpagesize())
    let lower = range.lowerBound / page * page
    // A refusal costs memory and nothing else.
    _ = madvise(UnsafeMutableRawPointer(mutating: start + lower), range.upperBound - lower, MADV_DONTNEED)
  }

  deinit {
    if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
  }
}
