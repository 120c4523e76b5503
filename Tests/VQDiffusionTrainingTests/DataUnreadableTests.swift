import Foundation
import TestSupport
import Testing
import VQDiffusion
import VQDiffusionTraining

/// Data sets with images that can't be read.
@Suite struct DataUnreadableTests {
  /// `count` images of which some are cut short.
  private func writePictures(_ count: Int, corrupt: Set<Int>, in folder: URL) throws {
    for number in 0..<count {
      let bytes = try picture(number).pngBytes()
      try write(corrupt.contains(number) ? Array(bytes.dropLast(20)) : bytes, numberedName(number), in: folder)
    }
  }

  @Test func aCorruptImageIsNamedOnceCountedAndReplaced() throws {
    try withTemporaryFolder { folder in
      let settings = ImageBatches.Settings()
      try writePictures(10, corrupt: [], in: folder)
      let whole = ImageBatches(try PreparedImages(folder), batch: 10, settings: settings, seed: 1)
      let orders = try (0..<6).map { try whole.batch($0).indices }
      try writePictures(10, corrupt: [2, 7], in: folder)

      let reports = Reports()
      let images = try PreparedImages(folder, reports: reports)
      #expect(images.unreadable == 0)
      let batches = ImageBatches(images, batch: 10, settings: settings, seed: 1)
      for epoch in 0..<6 {
        let (batch, order) = (try batches.batch(epoch), orders[epoch])
        let expected = order.indices.map { place in
          (order[place...] + order[..<place]).first { $0 != 2 && $0 != 7 }
        }
        #expect(batch.indices == expected)
        #expect(batch.images.withUnsafeBufferPointer { Array($0) } == batch.indices.flatMap { training(picture($0)) })
      }
      #expect(images.unreadable == 2)
      #expect(reports.names == [2, 7].map { images.dataset.name($0) })
    }
  }

  @Test func aTensorLeavesOutWhatCantBeRead() throws {
    try withTemporaryFolder { folder in
      try writePictures(5, corrupt: [1, 3], in: folder)
      let images = try PreparedImages(folder)
      let augmentations = [3, 0, 1, 4, 1].map { ImageAugmentation(shiftY: $0 == 4 ? 1 : 0) }
      let (found, indices) = try images.tensor([3, 0, 1, 4, 1], augmentations: augmentations)
      #expect(indices == [0, 4] && found.shape == [2, 4, 5, 3])
      let values = found.withUnsafeBufferPointer { Array($0) }
      #expect(Array(values[..<60]) == training(picture(0)))
      // Shifted by a row: the fourth row is the third again.
      let rows = training(picture(4))
      let expected = Array(rows[15...]) + Array(rows[30..<45])
      #expect(Array(values[60...]) == expected)
      #expect(try images.tensor([1, 3]).images.shape == [0, 4, 5, 3])
      #expect(images.unreadable == 2)
    }
  }

  @Test func oneReadableImageFillsABatch() throws {
    try withTemporaryFolder { folder in
      try writePictures(6, corrupt: [0, 1, 2, 4, 5], in: folder)
      let batches = ImageBatches(try PreparedImages(folder), batch: 4, settings: .init(), seed: 1)
      #expect(try batches.batch(3).indices == [3, 3, 3, 3])
    }
  }

  @Test func withoutAReadableImageThereIsAnError() throws {
    try withTemporaryFolder { folder in
      try writePictures(3, corrupt: [0, 1, 2], in: folder)
      let reports = Reports()
      let images = try PreparedImages(folder, reports: reports)
      let batches = ImageBatches(images, batch: 2, settings: .init(), seed: 1)
      for iteration in [0, 0, 1] {
        let error = #expect(throws: DatasetError.self) { try batches.batch(iteration) }
        guard case .allUnreadable(folder.path, 3, let reason) = error else {
          Issue.record("\(String(describing: error))")
          continue
        }
        #expect(reason.contains(".png"))
      }
      #expect(throws: DatasetError.self) { try images.tensor([1]) }
      #expect(reports.names == (0..<3).map { images.dataset.name($0) })
    }
  }

  @Test func imagesAreKeptWhileTheyFitTheBudget() throws {
    try withTemporaryFolder { folder in
      try writePictures(4, corrupt: [0], in: folder)
      // Two images of 60 bytes and half a third one.
      let images = try PreparedImages(folder, budget: 150)
      for index in [0, 3, 1, 3, 2] { _ = try images.tensor([index]) }
      for index in 0..<4 { try FileManager.default.removeItem(atPath: images.dataset.name(index)) }
      let (found, indices) = try images.tensor([0, 1, 2, 3])
      #expect(indices == [1, 3] && images.unreadable == 2)
      #expect(found.withUnsafeBufferPointer { Array($0) } == [1, 3].flatMap { training(picture($0)) })
    }
  }

  @Test func aFileThatVanishesIsUnreadable() throws {
    try withTemporaryFolder { folder in
      try writePictures(2, corrupt: [], in: folder)
      let images = try PreparedImages(folder)
      try FileManager.default.removeItem(atPath: images.dataset.name(0))
      #expect(try images.tensor([0, 1]).indices == [1])
      #expect(images.unreadable == 1)
    }
  }
}
