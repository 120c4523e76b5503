import Synchronization
import TrainingCore

/// An endless sequence of samples: epoch after epoch, each of which is all of N in an order of its own.
final class EpochOrder: Sendable {
  private let count: Int
  private let noise: TrainingNoise
  /// The orders of the epochs used last.
  private let orders = Mutex<[(epoch: Int, order: [Int])]>([])

  /// - Parameter count: N
  init(_ count: Int, noise: TrainingNoise) {
    precondition(count > 0, "epochs of nothing")
    (self.count, self.noise) = (count, noise)
  }

  /// Which one sample i is, a function of the seed and i alone.
  subscript(sample: Int) -> Int {
    let (epoch, place) = sample.quotientAndRemainder(dividingBy: count)
    return order(of: epoch)[place]
  }

  /// The whole epoch that sample i is in, and the sample's place there.
  func epoch(of sample: Int) -> (order: [Int], place: Int) {
    let (epoch, place) = sample.quotientAndRemainder(dividingBy: count)
    return (order(of: epoch), place)
  }

  private func order(of epoch: Int) -> [Int] {
    orders.withLock { orders in
      if let known = orders.first(where: { $0.epoch == epoch }) { return known.order }
      let order = noise.subset(count, of: count, .epochShuffle, iteration: epoch)
      // Samples on both sides of an epoch's end are wanted at the same time.
      orders = orders.suffix(1) + [(epoch, order)]
      return order
    }
  }
}
