import Foundation
import Synchronization

/// Ends the process when a reader doesn't come back: a thread can't be stopped from outside.
final class Watchdog: Sendable {
  private struct Watch {
    var started: (processor: Double, clock: Double)?
    var index = 0
    var isOver = false
  }

  private let watch = Mutex(Watch())

  /// - Parameters:
  ///   - processorSeconds: how long a file may keep the process busy.
  ///   - seconds: how long it may take by the clock, waiting included.
  ///   - file: where the input lies, for the message.
  init(processorSeconds: Double, seconds: Double, file: String) {
    Thread.detachNewThread { [self] in
      while true {
        Thread.sleep(forTimeInterval: 0.1)
        let (started, index, isOver) = watch.withLock { ($0.started, $0.index, $0.isOver) }
        if isOver { return }
        guard let started,
          processTime() - started.processor > processorSeconds || clockTime() - started.clock > seconds
        else { continue }
        FileHandle.standardError.write(Data("mutant \(index) hangs; it lies in \(file)\n".utf8))
        exit(70)
      }
    }
  }

  func begin(_ index: Int) {
    let now = (processor: processTime(), clock: clockTime())
    watch.withLock { ($0.index, $0.started) = (index, now) }
  }

  func end() { watch.withLock { $0.started = nil } }

  func finish() { watch.withLock { $0.isOver = true } }
}

/// Seconds that this thread has kept a processor busy.
func threadTime() -> Double { seconds(of: CLOCK_THREAD_CPUTIME_ID) }

private func processTime() -> Double { seconds(of: CLOCK_PROCESS_CPUTIME_ID) }

private func clockTime() -> Double { seconds(of: CLOCK_MONOTONIC) }

private func seconds(of clock: clockid_t) -> Double {
  var time = timespec()
  clock_gettime(clock, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
