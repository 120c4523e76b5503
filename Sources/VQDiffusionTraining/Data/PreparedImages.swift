import Images
import Synchronization
import Tensor
import VQDiffusion

/// A data set's images at one size, read when asked for by several threads and kept while they fit into a budget.
package final class PreparedImages: Sendable {
  private enum Entry {
    case unseen, unreadable
    case kept([UInt8])
  }

  private struct State {
    var entries: [Entry]
    var keptBytes = 0
    var unreadable = 0
    var failure: ImageError?
  }

  package let dataset: ImageDataset
  package let size: ImageSize
  let threads = LoaderThreads()
  private let memoryBudget: Int
  private let onUnreadable: @Sendable (String, ImageError) -> Void
  private let state: Mutex<State>

  /// - Parameters:
  ///   - size: what images of other sizes are scaled and cut to (see `RGBImage.fitted(to:)`).
  ///   - memoryBudget: the most bytes of pixels that are kept.
  ///   - onUnreadable: called with the name of each image that can't be read, once, on any thread.
  package init(
    _ dataset: ImageDataset, size: ImageSize, memoryBudget: Int = 1 << 30,
    onUnreadable: @escaping @Sendable (String, ImageError) -> Void
  ) {
    precondition(size.width > 0 && size.height > 0, "images of \(size)")
    (self.dataset, self.size, self.memoryBudget, self.onUnreadable) = (dataset, size, memoryBudget, onUnreadable)
    state = Mutex(State(entries: Array(repeating: .unseen, count: dataset.count)))
  }

  /// How many of the images asked for so far can't be read.
  package var unreadable: Int { state.withLock { $0.unreadable } }

  /// The images of those `indices` that can be read, [B, H, W, 3] in −1…1, with their indices.
  ///
  /// - Parameter augmentations: one for each of `indices`; none changes anything.
  /// - Throws: `DatasetError.allUnreadable` when no image of the whole data set can be read.
  package func tensor(
    _ indices: [Int], augmentations: [ImageAugmentation]? = nil
  ) throws(DatasetError) -> (images: FloatTensor, indices: [Int]) {
    precondition(augmentations.map { $0.count == indices.count } ?? true, "an augmentation for each of \(indices.count) images")
    let found = threads.map(indices.count) { self.pixels(indices[$0]) }
    let readable = indices.indices.filter { found[$0] != nil }
    if readable.isEmpty, unreadable == dataset.count { throw allUnreadable() }
    let images = tensor(readable.map { (found[$0] ?? [], augmentations?[$0] ?? ImageAugmentation()) })
    return (images, readable.map { indices[$0] })
  }

  /// Pixels as `pixels(_:)` gives them as [B, H, W, 3] in −1…1.
  func tensor(_ samples: [(pixels: [UInt8], augmentation: ImageAugmentation)]) -> FloatTensor {
    let stride = size.height * size.width * 3
    return FloatTensor(uninitialized: [samples.count, size.height, size.width, 3]) { target in
      for (place, sample) in samples.enumerated() {
        sample.augmentation.write(sample.pixels, size, to: target + place * stride)
      }
    }
  }

  /// An image's pixels, [H, W, 3]; nil if it can't be read.
  ///
  /// Those that come first are kept until the budget is spent and never give way: each epoch asks for every image once, so
  /// whatever took their place would be gone too before it is asked for again.
  func pixels(_ index: Int) -> [UInt8]? {
    switch state.withLock({ $0.entries[index] }) {
    case .kept(let pixels): return pixels
    case .unreadable: return nil
    case .unseen: break
    }
    do {
      let pixels = try dataset.image(index).fitted(to: size).pixels
      state.withLock { state in
        guard case .unseen = state.entries[index], state.keptBytes + pixels.count <= memoryBudget else { return }
        state.entries[index] = .kept(pixels)
        state.keptBytes += pixels.count
      }
      return pixels
    } catch {
      let isFirst = state.withLock { state in
        guard case .unseen = state.entries[index] else { return false }
        state.entries[index] = .unreadable
        state.unreadable += 1
        state.failure = state.failure ?? error
        return true
      }
      if isFirst { onUnreadable(dataset.name(index), error) }
      return nil
    }
  }

  func allUnreadable() -> DatasetError {
    let failure = state.withLock { $0.failure }
    return .allUnreadable(location: dataset.location, count: dataset.count, reason: failure?.description ?? "not looked at")
  }
}
