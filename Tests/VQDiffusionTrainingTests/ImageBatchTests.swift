import Foundation
import TestSupport
import Testing
import VQDiffusion
import VQDiffusionTraining

/// Batches of shuffled epochs.
@Suite struct ImageBatchTests {
  private func values(_ batch: ImageBatch) -> [Float] { batch.images.withUnsafeBufferPointer { Array($0) } }

  private func batches(
    _ folder: URL, batch: Int, _ settings: ImageBatches.Settings = .init(), seed: UInt64 = 5, budget: Int = 1 << 20
  ) throws -> ImageBatches {
    ImageBatches(try PreparedImages(folder, budget: budget), batch: batch, settings: settings, seed: seed)
  }

  @Test func eachImageComesOnceAnEpoch() throws {
    try withTemporaryFolder { folder in
      try writePictures(13, in: folder)
      let batches = try batches(folder, batch: 5)
      // 13 iterations of 5 are 5 epochs, whose borders lie within batches.
      let found = try (0..<13).map { try batches.batch($0) }
      for batch in found {
        #expect(batch.images.shape == [5, 4, 5, 3])
        #expect(values(batch) == batch.indices.flatMap { training(picture($0)) })
        #expect(batch.classes == [nil, nil, nil, nil, nil])
      }
      let order = found.flatMap(\.indices)
      let epochs = (0..<5).map { Array(order[$0 * 13..<($0 + 1) * 13]) }
      for epoch in epochs { #expect(epoch.sorted() == Array(0..<13)) }
      #expect(Set(epochs).count == 5)
    }
  }

  @Test func aBatchMayHoldSeveralEpochs() throws {
    try withTemporaryFolder { folder in
      try writePictures(3, in: folder)
      let batch = try batches(folder, batch: 10).batch(2)
      // Samples 20…29: the last of epoch 6, epochs 7 and 8, three of epoch 9.
      #expect(batch.indices.count == 10)
      for start in [1, 4, 7] { #expect(batch.indices[start..<start + 3].sorted() == [0, 1, 2]) }
    }
  }

  @Test(arguments: [0, 7 * 60, 1 << 20]) func aBatchIsTheSameWhateverWasAskedBefore(budget: Int) throws {
    try withTemporaryFolder { folder in
      for number in 0..<17 { try write(picture(number), "\(number % 3)/\(number).png", in: folder) }
      let settings = ImageBatches.Settings(flips: true, cropPadding: 2)
      let inOrder = try batches(folder, batch: 4, settings, budget: budget)
      let expected = try (0..<12).map { try inOrder.batch($0) }
      let jumping = try batches(folder, batch: 4, settings, budget: budget)
      for iteration in [7, 0, 11, 7, 7, 3, 10, 2, 1] {
        let batch = try jumping.batch(iteration)
        #expect(batch.indices == expected[iteration].indices)
        #expect(batch.classes == expected[iteration].classes)
        #expect(values(batch) == values(expected[iteration]))
      }
      #expect(try batches(folder, batch: 4, settings, seed: 6).batch(0).indices != expected[0].indices)
    }
  }

  @Test func batchSizesCutTheSameSequence() throws {
    try withTemporaryFolder { folder in
      try writePictures(7, in: folder)
      let settings = ImageBatches.Settings(flips: true, cropPadding: 1)
      let (small, large) = (try batches(folder, batch: 3, settings), try batches(folder, batch: 6, settings))
      let halves = try [small.batch(2), small.batch(3)]
      let whole = try large.batch(1)
      #expect(whole.indices == halves.flatMap(\.indices))
      #expect(values(whole) == halves.flatMap(values))
    }
  }

  @Test func classesAreThoseOfTheFolders() throws {
    try withTemporaryFolder { folder in
      for number in 0..<9 { try write(picture(number), "class-\(number / 4)/\(number).png", in: folder) }
      let batch = try batches(folder, batch: 9).batch(0)
      #expect(batch.classes == batch.indices.map { $0 / 4 })
    }
  }

  @Test func severalThreadsMayAskAtOnce() async throws {
    try await withTemporaryFolder { folder in
      try writePictures(11, in: folder)
      let expected = try batches(folder, batch: 3)
      let indices = try (0..<40).map { try expected.batch($0).indices }
      let shared = try batches(folder, batch: 3)
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for iteration in [0, 30, 0, 7, 39, 21, 0, 30, 1, 12] {
          group.addTask { try shared.batch(iteration).indices == indices[iteration] }
        }
        for try await isSame in group { #expect(isSame) }
      }
    }
  }
}

/// What is done to images at random.
@Suite struct ImageAugmentationTests {
  private func mirrored(_ image: RGBImage) -> RGBImage {
    var mirrored = image
    for y in 0..<image.height {
      for x in 0..<image.width { mirrored[x, y] = image[image.width - 1 - x, y] }
    }
    return mirrored
  }

  /// By hand: −2, −1, 0, 1, 2, … of n is 2, 1, 0, 1, 2, …, n − 1, n − 2.
  private func shifted(_ image: RGBImage, _ shiftX: Int, _ shiftY: Int) -> RGBImage {
    func inside(_ place: Int, _ count: Int) -> Int { place < 0 ? -place : place < count ? place : 2 * (count - 1) - place }
    var shifted = image
    for y in 0..<image.height {
      for x in 0..<image.width {
        shifted[x, y] = image[inside(x + shiftX, image.width), inside(y + shiftY, image.height)]
      }
    }
    return shifted
  }

  @Test func aFlipIsTheExactMirrorImage() throws {
    try withTemporaryFolder { folder in
      try writePictures(2, in: folder)
      let images = try PreparedImages(folder)
      let found = try images.tensor([0, 1, 0], augmentations: [.init(isFlipped: true), .init(), .init()]).images
      let expected = [mirrored(picture(0)), picture(1), picture(0)].flatMap(training)
      #expect(found.withUnsafeBufferPointer { Array($0) } == expected)
    }
  }

  @Test func aShiftContinuesTheImageByReflection() throws {
    try withTemporaryFolder { folder in
      try writePictures(1, in: folder)
      let images = try PreparedImages(folder)
      for (x, y) in [(3, 0), (-2, 1), (0, -3), (4, 3), (-4, -3)] {
        let found = try images.tensor(
          [0, 0], augmentations: [.init(shiftX: x, shiftY: y), .init(isFlipped: true, shiftX: x, shiftY: y)]
        ).images
        let expected = shifted(picture(0), x, y)
        #expect(found.withUnsafeBufferPointer { Array($0) } == training(expected) + training(mirrored(expected)))
      }
    }
  }

  @Test func draggedFarImagesStillFindTheirPixels() throws {
    try withTemporaryFolder { folder in
      try write(picture(0, width: 1, height: 2), "0.png", in: folder)
      let images = try PreparedImages(folder, width: 1, height: 2)
      // Period 2 along two rows; one column is all there is.
      let found = try images.tensor([0], augmentations: [.init(shiftX: -9, shiftY: 101)]).images
      let pixels = training(picture(0, width: 1, height: 2))
      let expected = Array(pixels[3...]) + Array(pixels[..<3])
      #expect(found.withUnsafeBufferPointer { Array($0) } == expected)
    }
  }

  /// Of 400 samples of one image, each is one of those that a mirror and shifts by at most 2 make of it, and all of them occur.
  @Test func drawsCoverAllShiftsAndNoOthers() throws {
    try withTemporaryFolder { folder in
      try writePictures(1, in: folder)
      let images = try PreparedImages(folder)
      let shifts = (-2...2).flatMap { y in (-2...2).map { (x: $0, y: y) } }
      let allowed = Set(
        shifts.flatMap { shift in
          let image = shifted(picture(0), shift.x, shift.y)
          return [training(image), training(mirrored(image))]
        })
      // Shifted by two columns of five, an image is its own mirror image.
      #expect(allowed.count == 5 * (3 * 2 + 2))
      let settings = ImageBatches.Settings(flips: true, cropPadding: 2)
      let batch = try ImageBatches(images, batch: 400, settings: settings, seed: 3).batch(1)
      let found = batch.images.withUnsafeBufferPointer { values in (0..<400).map { Array(values[$0 * 60..<($0 + 1) * 60]) } }
      #expect(Set(found) == allowed)

      let flips = ImageBatches.Settings(flips: true)
      let flipped = try ImageBatches(images, batch: 400, settings: flips, seed: 3).batch(0).images
      let count = flipped.withUnsafeBufferPointer { values in
        (0..<400).count { Array(values[$0 * 60..<($0 + 1) * 60]) == training(mirrored(picture(0))) }
      }
      #expect((150...250).contains(count))
    }
  }
}
