import Foundation
import Synchronization

/// A wish to stop, set from any thread.
package final class Cancellation: Sendable {
  private let isCancelled = Atomic<Bool>(false)

  package init() {}

  package func cancel() { isCancelled.store(true, ordering: .relaxed) }

  /// - Throws: `CancellationError` once `cancel` was called.
  package func check() throws {
    if isCancelled.load(ordering: .relaxed) { throw CancellationError() }
  }
}

/// Runs `body` apart from Swift's own threads, which it would block.
package func onThreadOfItsOwn(_ name: String, _ body: @escaping @Sendable () -> Void) {
  let thread = Thread(block: body)
  thread.name = name
  thread.stackSize = 8 << 20
  thread.start()
}
