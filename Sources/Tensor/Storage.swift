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
    makeRoom(for: size)
    return Self.allocate(bytes: size).bindMemory(to: Float.self, capacity: size / MemoryLayout<Float>.stride)
  }

  /// A large buffer that isn't there takes the place of smaller ones, as many bytes of them, the largest first: where activations grow
  /// from level to level, as in a decoder, nobody takes those again. Larger ones stay, so that a network which takes the same
  /// sizes over and over soon finds them all.
  private func makeRoom(for size: Int) {
    guard size >= Self.largeSize else { return }
    let evicted = state.withLock { state in
      var (evicted, bytes): ([(buffer: UnsafeMutablePointer<Float>, size: Int)], Int) = ([], 0)
      for smaller in state.free.keys.filter({ $0 < size }).sorted(by: >) {
        while bytes < size, let buffer = state.free[smaller]?.popLast() {
          evicted.append((buffer, smaller))
          bytes += smaller
        }
      }
      state.bytes -= bytes
      return Evicted(buffers: evicted)
    }
    for (buffer, size) in evicted.buffers { Self.free(buffer, bytes: size) }
  }

  /// Buffers of which no one else knows any more.
  private struct Evicted: @unchecked Sendable {
    let buffers: [(buffer: UnsafeMutablePointer<Float>, size: Int)]
  }

  private static let hugePage = 2 << 20
  private static let largeSize = 2 * hugePage

  /// Large buffers ask for huge pages: the first touch of a gigabyte of small ones takes a second and more.
  private static func allocate(bytes: Int) -> UnsafeMutableRawPointer {
    guard bytes >= largeSize else { return .allocate(byteCount: bytes, alignment: 64) }
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
    guard size <= limitInBytes else { return Self.free(buffer, bytes: size) }
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
    for (size, buffers) in evicted?.free ?? [:] {
      for buffer in buffers { Self.free(buffer, bytes: size) }
    }
  }

  private static func free(_ buffer: UnsafeMutablePointer<Float>, bytes: Int) {
    #if os(Linux)
      // The C library keeps freed memory of up to 32 MiB that lies among other memory; the system gets at least its pages.
      if bytes >= largeSize { madvise(buffer, bytes, MADV_DONTNEED) }
    #endif
    UnsafeMutableRawPointer(buffer).deallocate()
  }

  /// Bytes for `floats`, rounded up to one of four sizes between powers of two, so that buffers find a next user.
  private static func sizeClass(_ floats: Int) -> Int {
    let bytes = max(floats * MemoryLayout<Float>.stride, 256)
    let step = max(64, (1 << (Int.bitWidth - bytes.leadingZeroBitCount - 1)) / 4)
    return (bytes + step - 1) / step * step
  }
}
