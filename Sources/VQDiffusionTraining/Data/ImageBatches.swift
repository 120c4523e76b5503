import Foundation
import Tensor
import TrainingCore

/// Images that a training step works on.
package struct ImageBatch: Sendable {
  /// [B, H, W, 3] in −1…1.
  package let images: FloatTensor
  /// Which images of the data set they are.
  package let indices: [Int]
  /// Their classes; nil without.
  package let classes: [Int?]
}

/// Shuffled batches for training, each a function of data set, seed and iteration alone, prepared ahead on threads of their own.
///
/// Iteration i holds the samples i·B ..< (i+1)·B of an endless sequence of epochs, each of which is all images in an order of its
/// own. In the place of an image that can't be read stands the next one of its epoch that can, after the last the first.
package final class ImageBatches: Sendable {
  /// What is done to the images at random.
  package struct Settings: Sendable, Codable, Equatable {
    /// Whether one image in two is mirrored, left and right exchanged.
    package var flips: Bool
    /// By how many pixels at most images are shifted, each way along each axis, continued by reflection; nil for not at all.
    package var cropPadding: Int?

    package init(flips: Bool = false, cropPadding: Int? = nil) {
      (self.flips, self.cropPadding) = (flips, cropPadding)
    }
  }

  package let images: PreparedImages
  /// Images an iteration, B.
  package let batch: Int
  package let settings: Settings
  private let noise: TrainingNoise
  private let order: EpochOrder
  private let queue = BatchQueue()

  package init(_ images: PreparedImages, batch: Int, settings: Settings, seed: UInt64) {
    precondition(batch > 0, "batches of \(batch)")
    precondition(settings.cropPadding ?? 0 >= 0, "shifts by \(settings.cropPadding ?? 0) pixels")
    (self.images, self.batch, self.settings) = (images, batch, settings)
    noise = TrainingNoise(seed: seed)
    order = EpochOrder(images.dataset.count, noise: noise)
  }

  /// The batch of an iteration, 0 or more. Waits until it is ready, and has the following ones prepared meanwhile, a few only.
  ///
  /// - Throws: `DatasetError.allUnreadable`.
  package func batch(_ iteration: Int) throws(DatasetError) -> ImageBatch {
    precondition(iteration >= 0, "iteration \(iteration)")
    // One more than can be worked on at a time.
    let ahead = images.threads.count + 1
    return try queue.take(iteration, ahead: ahead) { [queue, images] wanted in
      // The queue of jobs must not keep alive what nobody asks any more.
      images.threads.submit { [weak self] in
        guard queue.wants(wanted), let self else { return }
        queue.put(wanted, Result { () throws(DatasetError) in try self.prepare(wanted) })
      }
    }.get()
  }

  private func prepare(_ iteration: Int) throws(DatasetError) -> ImageBatch {
    var samples: [(pixels: [UInt8], augmentation: ImageAugmentation)] = []
    var indices: [Int] = []
    for sample in iteration * batch..<(iteration + 1) * batch {
      let (index, pixels) = try readableImage(sample)
      indices.append(index)
      samples.append((pixels, augmentation(sample)))
    }
    return ImageBatch(
      images: images.tensor(samples), indices: indices, classes: indices.map(images.dataset.classIndex))
  }

  private func readableImage(_ sample: Int) throws(DatasetError) -> (index: Int, pixels: [UInt8]) {
    let (order, place) = order.epoch(of: sample)
    for offset in 0..<order.count {
      let index = order[(place + offset) % order.count]
      if let pixels = images.pixels(index) { return (index, pixels) }
    }
    throw images.allUnreadable()
  }

  private func augmentation(_ sample: Int) -> ImageAugmentation {
    var augmentation = ImageAugmentation()
    if settings.flips { augmentation.isFlipped = noise.uniform(.flip, iteration: sample, number: 0) < 0.5 }
    if let padding = settings.cropPadding {
      let shifts = (0..<2).map { axis in
        min(Int(noise.uniform(.crop, iteration: sample, number: axis) * Double(2 * padding + 1)), 2 * padding) - padding
      }
      (augmentation.shiftX, augmentation.shiftY) = (shifts[0], shifts[1])
    }
    return augmentation
  }
}
