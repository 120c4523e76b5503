import CBLAS
import CKernels
import Foundation
import Synchronization

/// The one pool of worker threads. Kernels cut their work into independent pieces and call `parallelFor`; OpenBLAS itself is
/// held to one thread, because its own pool serialises concurrent calls and spins on cores that the others need.
///
/// A piece of work never depends on how many threads there are, so results don't either.
public final class ThreadPool: Sendable {
  /// The pool that every kernel uses.
  public static let shared = ThreadPool()

  /// Upper bound of `threadCount`: OpenBLAS keeps a fixed number of buffers for concurrent callers.
  public static let maximumThreads = 64

  /// The loop being run. `count` and `body` are written before `isOpen` is set and read only by a thread that has counted
  /// itself into `running` and then seen `isOpen`; the submitter closes the loop and waits for `running` to fall to zero
  /// before it touches them again. Sequential consistency makes that work: of "the worker counts itself in, then reads
  /// `isOpen`" and "the submitter clears `isOpen`, then reads `running`" at least one sees the other. A worker that comes late
  /// may so join the next loop, which does no harm. The same holds for `sleepers` and `generation`: no wake-up is lost.
  private final class Loop: @unchecked Sendable {
    var count = 0
    var body: (@Sendable (Int) -> Void)?
    let isOpen = Atomic<Bool>(false)
    let next = Atomic<Int>(0)
    let running = Atomic<Int>(0)
    /// Grows with each loop; a worker that has seen it doesn't look at that loop again.
    let generation = Atomic<Int>(0)
    let sleepers = Atomic<Int>(0)
  }

  private let loop = Loop()
  private let isBusy = Atomic<Bool>(false)
  private let helpers = Atomic<Int>(0)
  private let startedWorkers = Mutex(0)
  /// Signals a new loop to the workers that have stopped spinning.
  private let wakeUp = NSCondition()
  /// Signals a change of `helpers` to the surplus workers.
  private let hiring = NSCondition()

  /// Rounds of spinning before a thread sleeps or yields, some tens of microseconds: the time between two loops of a small
  /// network.
  private static let spinRounds = 4000

  private init() {
    openblas_set_num_threads(1)
    setThreadCount(min(ProcessInfo.processInfo.activeProcessorCount, Self.maximumThreads))
  }

  /// Threads that share each loop, the calling one included.
  public var threadCount: Int { helpers.load(ordering: .relaxed) + 1 }

  /// Sets the number of threads, 1…`maximumThreads`, from the next loop on; surplus workers sleep.
  public func setThreadCount(_ count: Int) {
    precondition((1...Self.maximumThreads).contains(count), "thread count \(count) outside 1...\(Self.maximumThreads)")
    hiring.lock()
    helpers.store(count - 1, ordering: .sequentiallyConsistent)
    hiring.broadcast()
    hiring.unlock()
    startedWorkers.withLock { started in
      while started < count - 1 {
        let index = started
        let thread = Thread { self.work(as: index) }
        thread.name = "vqdiffusion.\(index)"
        thread.stackSize = 4 << 20
        thread.start()
        started += 1
      }
    }
  }

  /// Calls `body` once for each index in 0..<count, several at a time; returns when all are done.
  ///
  /// `body` runs concurrently with itself: calls for different indices must write to different memory (see `SharedPointer`).
  /// Nested loops, and loops from a second thread while the pool is busy, run on the calling thread.
  package func parallelFor(_ count: Int, _ body: @Sendable (Int) -> Void) {
    guard count > 1, helpers.load(ordering: .relaxed) > 0,
      isBusy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
    else {
      for index in 0..<max(count, 0) { body(index) }
      return
    }
    withoutActuallyEscaping(body) { body in
      loop.count = count
      loop.body = body
      loop.next.store(0, ordering: .relaxed)
      loop.isOpen.store(true, ordering: .sequentiallyConsistent)
      loop.generation.add(1, ordering: .sequentiallyConsistent)
      if loop.sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        wakeUp.lock()
        wakeUp.broadcast()
        wakeUp.unlock()
      }
      takeIndices(count, body)
      loop.isOpen.store(false, ordering: .sequentiallyConsistent)
      waitForWorkers()
      loop.body = nil
    }
    isBusy.store(false, ordering: .releasing)
  }

  private func takeIndices(_ count: Int, _ body: (Int) -> Void) {
    while true {
      let index = loop.next.add(1, ordering: .relaxed).oldValue
      if index >= count { return }
      body(index)
    }
  }

  private func waitForWorkers() {
    var rounds = 0
    while loop.running.load(ordering: .sequentiallyConsistent) > 0 {
      rounds += 1
      // With more threads than free cores, the worker waited for may need this core.
      if rounds < Self.spinRounds { vqd_spin_hint() } else { sched_yield() }
    }
  }

  private func work(as worker: Int) {
    var seen = 0
    while true {
      waitWhileSurplus(worker)
      seen = waitForLoop(after: seen)
      guard worker < helpers.load(ordering: .relaxed) else { continue }
      loop.running.add(1, ordering: .sequentiallyConsistent)
      joinLoop()
      loop.running.subtract(1, ordering: .sequentiallyConsistent)
    }
  }

  /// Not inlined, so that the reference to `body` taken here is given back before `running` falls: the submitter's closure
  /// must not outlive `parallelFor`.
  @inline(never)
  private func joinLoop() {
    if loop.isOpen.load(ordering: .sequentiallyConsistent), let body = loop.body { takeIndices(loop.count, body) }
  }

  private func waitWhileSurplus(_ worker: Int) {
    guard worker >= helpers.load(ordering: .relaxed) else { return }
    hiring.lock()
    while worker >= helpers.load(ordering: .relaxed) { hiring.wait() }
    hiring.unlock()
  }

  private func waitForLoop(after seen: Int) -> Int {
    for _ in 0..<Self.spinRounds {
      let generation = loop.generation.load(ordering: .sequentiallyConsistent)
      if generation != seen { return generation }
      vqd_spin_hint()
    }
    wakeUp.lock()
    defer { wakeUp.unlock() }
    loop.sleepers.add(1, ordering: .sequentiallyConsistent)
    defer { loop.sleepers.subtract(1, ordering: .sequentiallyConsistent) }
    while true {
      let generation = loop.generation.load(ordering: .sequentiallyConsistent)
      if generation != seen { return generation }
      wakeUp.wait()
    }
  }
}
