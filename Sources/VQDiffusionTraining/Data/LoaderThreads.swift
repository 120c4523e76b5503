import Foundation

/// Threads that read and decode files. They are apart from the compute pool, whose loops would wait for the disk, and from Swift's own
/// threads, which must not block.
final class LoaderThreads: Sendable {
  let count: Int
  private let queue = JobQueue()

  /// - Parameter count: a thread a core unless told, at most 8: beyond that a disk is the limit.
  init(count: Int = min(ProcessInfo.processInfo.activeProcessorCount, 8)) {
    self.count = count
    for index in 0..<count {
      // The threads hold the queue alone, so that this object's end ends them.
      let thread = Thread { [queue] in queue.work() }
      thread.name = "vqdiffusion.loader.\(index)"
      thread.stackSize = 4 << 20
      thread.start()
    }
  }

  deinit { queue.close() }

  /// Runs a job after those submitted before it.
  func submit(_ job: @escaping @Sendable () -> Void) { queue.add(job) }

  /// `body` of each index in 0..<count, in their order, by all threads and the calling one, which waits for them.
  func map<Result: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) -> Result) -> [Result] {
    let results = SharedResults(count, body)
    for _ in 0..<min(self.count, count - 1) { submit(results.takeIndices) }
    results.takeIndices()
    return results.wait()
  }
}

/// Jobs in the order in which they came.
private final class JobQueue: @unchecked Sendable {
  private let condition = NSCondition()
  private var jobs: [@Sendable () -> Void] = []
  private var isClosed = false

  func add(_ job: @escaping @Sendable () -> Void) {
    condition.lock()
    jobs.append(job)
    condition.signal()
    condition.unlock()
  }

  func close() {
    condition.lock()
    isClosed = true
    condition.broadcast()
    condition.unlock()
  }

  /// Does jobs until the queue is closed.
  func work() {
    while let job = next() { job() }
  }

  private func next() -> (@Sendable () -> Void)? {
    condition.lock()
    defer { condition.unlock() }
    while jobs.isEmpty, !isClosed { condition.wait() }
    return isClosed ? nil : jobs.removeFirst()
  }
}

/// A loop's results, index by index, as several threads find them.
private final class SharedResults<Result: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  private let count: Int
  private let body: @Sendable (Int) -> Result
  private var results: [Int: Result] = [:]
  private var next = 0

  init(_ count: Int, _ body: @escaping @Sendable (Int) -> Result) {
    (self.count, self.body) = (count, body)
  }

  /// Works on indices until all are taken.
  @Sendable func takeIndices() {
    condition.lock()
    while next < count {
      let index = next
      next += 1
      condition.unlock()
      let result = body(index)
      condition.lock()
      results[index] = result
      if results.count == count { condition.broadcast() }
    }
    condition.unlock()
  }

  func wait() -> [Result] {
    condition.lock()
    defer { condition.unlock() }
    while results.count < count { condition.wait() }
    return (0..<count).compactMap { results[$0] }
  }
}
