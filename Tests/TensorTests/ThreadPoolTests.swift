import Foundation
import Synchronization
import Tensor
import Testing

extension SharedPoolTests {
  @Suite struct ThreadPoolTests {
    /// How often a loop called its body for each index.
    private func calls(_ count: Int, inside body: (@Sendable (Int) -> Void)? = nil) -> [Int] {
      var counts = [Int](repeating: 0, count: count)
      counts.withUnsafeMutableBufferPointer { counts in
        guard let counts = SharedPointer(counts) else { return }
        ThreadPool.shared.parallelFor(count) { index in
          counts.pointer[index] += 1
          body?(index)
        }
      }
      return counts
    }

    @Test(arguments: [1, 2, 3, 4, 7]) func eachIndexOnce(threads: Int) {
      SharedPoolTests.withThreads(threads) {
        #expect(ThreadPool.shared.threadCount == threads)
        for count in [0, 1, 2, 3, 17, 64, 1000, 10_007] {
          #expect(calls(count).allSatisfy { $0 == 1 }, "\(count) indices")
        }
      }
    }

    @Test func negativeCountIsEmpty() {
      ThreadPool.shared.parallelFor(-3) { _ in Issue.record("called") }
    }

    /// Two calls that wait for each other meet only on two threads. Tests beside this one may hold the pool, hence the attempts.
    @Test func loopsUseSeveralThreads() {
      SharedPoolTests.withThreads(2) {
        var met = 0
        for _ in 0..<100 where met < 2 {
          let arrived = Atomic<Int>(0)
          let meetings = Atomic<Int>(0)
          ThreadPool.shared.parallelFor(2) { _ in
            arrived.add(1, ordering: .relaxed)
            let patience = Date().addingTimeInterval(0.2)
            while arrived.load(ordering: .relaxed) < 2 && Date() < patience {}
            if arrived.load(ordering: .relaxed) == 2 { meetings.add(1, ordering: .relaxed) }
          }
          met = meetings.load(ordering: .relaxed)
        }
        #expect(met == 2)
      }
    }

    @Test func nestedLoops() {
      SharedPoolTests.withThreads(3) {
        let inner = Mutex([[Int]]())
        let outer = calls(23) { index in
          let counts = calls(index + 1)
          inner.withLock { $0.append(counts) }
        }
        #expect(outer.allSatisfy { $0 == 1 })
        let counts = inner.withLock { $0 }
        #expect(Set(counts.map(\.count)) == Set(1...23) && counts.joined().allSatisfy { $0 == 1 })
      }
    }

    @Test func concurrentSubmitters() {
      SharedPoolTests.withThreads(3) {
        let failures = Atomic<Int>(0)
        let finished = DispatchGroup()
        for _ in 0..<4 {
          Thread.detachNewThread(in: finished) {
            for round in 0..<500 where !calls(1 + round % 37).allSatisfy({ $0 == 1 }) {
              failures.add(1, ordering: .relaxed)
            }
          }
        }
        finished.wait()
        #expect(failures.load(ordering: .relaxed) == 0)
      }
    }

    @Test func threadCountChangesBetweenLoops() {
      SharedPoolTests.withThreads(1) {
        for round in 0..<400 {
          ThreadPool.shared.setThreadCount(1 + round * 7 % 5)
          #expect(calls(19).allSatisfy { $0 == 1 })
        }
      }
    }

    /// Loops in quick succession: a worker that is late for one must neither miss the next nor run an index of it twice.
    @Test(arguments: [2, 4]) func manySmallLoops(threads: Int) {
      SharedPoolTests.withThreads(threads) {
        var failures = 0
        for round in 0..<20_000 where !calls(2 + round % 5).allSatisfy({ $0 == 1 }) { failures += 1 }
        #expect(failures == 0)
      }
    }

    /// Writes of a loop's workers are seen by the loop after it.
    @Test func resultsAreVisibleAfterTheLoop() {
      SharedPoolTests.withThreads(4) {
        var values = [Int](repeating: 0, count: 64)
        for _ in 0..<2000 {
          values.withUnsafeMutableBufferPointer { values in
            guard let values = SharedPointer(values) else { return }
            ThreadPool.shared.parallelFor(64) { values.pointer[$0] += 1 }
            ThreadPool.shared.parallelFor(64) { values.pointer[63 - $0] += 1 }
          }
        }
        #expect(values.allSatisfy { $0 == 4000 })
      }
    }
  }
}

extension Thread {
  fileprivate static func detachNewThread(in group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
    group.enter()
    detachNewThread {
      body()
      group.leave()
    }
  }
}
