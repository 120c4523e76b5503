import Foundation

/// Batches that are being prepared or lie ready: those that somebody waits for and a few after.
final class BatchQueue: @unchecked Sendable {
  private enum Slot {
    case pending
    case ready(Result<ImageBatch, DatasetError>)
  }

  private let condition = NSCondition()
  private var slots: [Int: Slot] = [:]
  private var awaited: [Int] = []

  /// Waits for an iteration's batch and takes it away.
  ///
  /// - Parameters:
  ///   - ahead: how many iterations after it are prepared meanwhile. Others, unless somebody waits for them, are given up.
  ///   - prepare: has an iteration prepared and given to `put`, without waiting for that.
  func take(_ iteration: Int, ahead: Int, prepare: (Int) -> Void) -> Result<ImageBatch, DatasetError> {
    condition.lock()
    defer { condition.unlock() }
    awaited.append(iteration)
    defer { if let place = awaited.firstIndex(of: iteration) { awaited.remove(at: place) } }
    let window = iteration...iteration + ahead
    for other in slots.keys where !window.contains(other) && !awaited.contains(other) { slots[other] = nil }
    for wanted in window where slots[wanted] == nil {
      slots[wanted] = .pending
      prepare(wanted)
    }
    while true {
      switch slots[iteration] {
      case .ready(let result):
        slots[iteration] = nil
        return result
      case .pending:
        condition.wait()
      case nil:
        // Another thread asked for the same and took it.
        slots[iteration] = .pending
        prepare(iteration)
      }
    }
  }

  /// Whether an iteration's batch is still to be prepared.
  func wants(_ iteration: Int) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    if case .pending = slots[iteration] { return true }
    return false
  }

  /// Hands over a batch; one that nobody wants any more is dropped.
  func put(_ iteration: Int, _ result: Result<ImageBatch, DatasetError>) {
    condition.lock()
    defer { condition.unlock() }
    guard case .pending = slots[iteration] else { return }
    slots[iteration] = .ready(result)
    condition.broadcast()
  }
}
