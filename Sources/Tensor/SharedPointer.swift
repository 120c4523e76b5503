/// Memory that the pieces of a loop share: each writes to its own part, or all of them only read.
///
/// The body of `ThreadPool.parallelFor` may capture only what is `Sendable`, and a pointer isn't. It captures this instead:
///
///     ThreadPool.shared.parallelFor(rows) { [y = SharedPointer(y)] row in
///       let target = y + row * width
///
/// The compiler checks everything else that a body captures. Two things are left to whoever writes the loop: parts that are
/// written to don't overlap, and the memory outlives the loop. To read a tensor, a body captures the tensor and takes its `base`.
package struct SharedPointer<Pointee: Sendable>: @unchecked Sendable {
  /// The first element. A body takes it before an inner loop, which so runs on a plain pointer.
  package let pointer: UnsafeMutablePointer<Pointee>

  @inlinable
  package init(_ pointer: UnsafeMutablePointer<Pointee>) { self.pointer = pointer }

  /// Nil for a buffer that has no memory, because it is empty.
  @inlinable
  package init?(_ buffer: UnsafeMutableBufferPointer<Pointee>) {
    guard let base = buffer.baseAddress else { return nil }
    pointer = base
  }

  /// Where a piece's part begins, as a plain pointer.
  @inlinable
  package static func + (memory: SharedPointer, offset: Int) -> UnsafeMutablePointer<Pointee> { memory.pointer + offset }
}
