import Foundation
import Synchronization

/// The memory behind a `FloatTensor`: an owned, 64-byte aligned buffer, or a borrowed view that keeps its owner alive.
///
/// Written only while a single tensor holds it (`FloatTensor` copies before it writes to shared storage).
final class Storage: @unchecked Sendable {
  let base: UnsafeMutablePointer<Float>
  let count: Int
  /// What keeps borrowed memory (a mapped file) alive; nil for owned memory.
  private let owner: (any AnyObject & Sendable)?

  init(count: Int) {
    self.count = count
    base = BufferPool.shared.take(floats: count)
    owner = nil
  }

  init(borrowing pointer: UnsafePointer<Float>, count: Int, owner: any AnyObject & Sendable) {
    self.count = count
    base = UnsafeMutablePointer(mutating: pointer)
    self.owner = owner
  }

  var isBorrowed: Bool { owner != nil }

  deinit {
    if owner == nil { BufferPool.shared.give(base, floats: count) }
  }
}

/// Keeps freed buffers for the next tensor of a similar size: fresh memory costs a page fault every 4 KiB, which is
/// felt when every layer of every step allocates its output.
final class BufferPool: Sendable {
  static let shared = BufferPool()

  private struct State: @unchecked Sendable {
    var free: [Int: [UnsafeMutablePointer<Float>]] = [:]
    var bytes = 0
  }

  private let state = Mutex(State())
  /// The most that the pool keeps of freed memory.
  private let limitInBytes = 768 << 20

  func take(floats: Int) -> UnsafeMutablePointer<Float> {
    let size = Self.sizeClass(floats)
    let reused = state.withLock { state -> UnsafeMutablePointer<Float>? in
      guard let buffer = state.free[size]?.popLast() else { return nil }
      state.bytes -= size
      return buffer
    }
    if let reused { return reused }
    return Self.allocate(bytes: size).bindMemory(to: Float.self, capacity: size / MemoryLayout<Float>.stride)
  }

  /// Large buffers ask for huge pages: the first touch of a gigabyte of small ones takes a second and more.
  private static func allocate(bytes: Int) -> UnsafeMutableRawPointer {
    let hugePage = 2 << 20
    guard bytes >= 2 * hugePage else { return .allocate(byteCount: bytes, alignment: 64) }
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: hugePage)
    #if os(Linux)
      // Advice only: where it isn't taken, pages are small.
      madvise(buffer, bytes, MADV_HUGEPAGE)
    #endif
    return buffer
  }

  /// When the pool is full, all that it holds gives way: sizes that nobody takes any more must not lock out those in use.
  func give(_ buffer: UnsafeMutablePointer<Float>, floats: Int) {
    let size = Self.sizeClass(floats)
    guard size <= limitInBytes else { return Self.free([buffer]) }
    let evicted = state.withLock { state -> State? in
      var full: State?
      if state.bytes + size > limitInBytes {
        full = state
        state = State()
      }
      state.free[size, default: []].append(buffer)
      state.bytes += size
      return full
    }
    for buffers in (evicted?.free ?? [:]).values { Self.free(buffers) }
  }

  private static func free(_ buffers: [UnsafeMutablePointer<Float>]) {
    for buffer in buffers { UnsafeMutableRawPointer(buffer).deallocate() }
  }

  /// Bytes for `floats`, rounded up to one of four sizes between powers of two, so that buffers find a next user.
  private static func sizeClass(_ floats: Int) -> Int {
    let bytes = max(floats * MemoryLayout<Float>.stride, 256)
    let step = max(64, (1 << (Int.bitWidth - bytes.leadingZeroBitCount - 1)) / 4)
    return (bytes + step - 1) / step * step
  }
}
