import Foundation
import TestSupport
import Testing
import VQDiffusion
import VQDiffusionTraining

/// CIFAR-10's binary files.
@Suite struct DataCIFARTests {
  /// A record whose pixel (x, y) is (x + label, y, 200).
  private func record(_ label: UInt8) -> [UInt8] {
    let places = (0..<1024).map { (x: UInt8($0 % 32), y: UInt8($0 / 32)) }
    return [label] + places.map { $0.x &+ label } + places.map(\.y) + Array(repeating: 200, count: 1024)
  }

  @Test func aFileIsPlanesOfPixels() throws {
    try withTemporaryFolder { folder in
      try write([9, 0, 4].flatMap(record), "some.bin", in: folder)
      let url = folder.appendingPathComponent("some.bin")
      let set = try ImageDataset(at: url)
      #expect(set.count == 3)
      #expect((0..<3).map(set.classIndex) == [9, 0, 4])
      #expect(set.labels[9] == "truck" && set.labels.count == 10)
      #expect(set.name(2) == "\(url.path), image 2")
      let image = try set.image(2)
      #expect(image.size == ImageSize(width: 32, height: 32))
      #expect(image[31, 7] == RGBImage.Color(35, 7, 200))
      #expect(image[0, 31] == RGBImage.Color(4, 31, 200))
    }
  }

  @Test func aFolderOfFilesIsOneSet() throws {
    try withTemporaryFolder { folder in
      try write(record(1) + record(2), "data_batch_1.bin", in: folder)
      try write(record(3), "data_batch_2.bin", in: folder)
      try write(record(8), "test_batch.bin", in: folder)
      let names = (0..<10).map { "name \($0)" }
      try write(Array((names.joined(separator: "\n") + "\n\n").utf8), "batches.meta.txt", in: folder)
      let set = try ImageDataset(at: folder)
      #expect((0..<set.count).map(set.classIndex) == [1, 2, 3])
      #expect(set.name(2).hasSuffix("data_batch_2.bin, image 0"))
      #expect(set.labels == names)
      #expect(try set.image(2)[0, 0] == RGBImage.Color(3, 0, 200))
      let one = try ImageDataset(at: folder.appendingPathComponent("test_batch.bin"))
      #expect(one.count == 1 && one.classIndex(0) == 8 && one.labels == names)
      #expect(one.fingerprint != set.fingerprint)

      for file in ["data_batch_1.bin", "data_batch_2.bin"] {
        try FileManager.default.removeItem(at: folder.appendingPathComponent(file))
      }
      #expect(try ImageDataset(at: folder).classIndex(0) == 8)
    }
  }

  @Test(arguments: [0, 1, 3072, 3074, 3 * 3073 - 1]) func sizesThatArentRecordsAreErrors(bytes: Int) throws {
    try withTemporaryFolder { folder in
      try write([UInt8](repeating: 0, count: bytes), "a.bin", in: folder)
      let path = folder.appendingPathComponent("a.bin").path
      #expect(throws: DatasetError.recordSize(file: path, found: bytes)) { try ImageDataset(at: folder) }
    }
  }

  @Test func labelsBeyondNineAndMissingNamesAreErrors() throws {
    try withTemporaryFolder { folder in
      try write(record(9) + record(10), "a.bin", in: folder)
      let path = folder.appendingPathComponent("a.bin").path
      #expect(throws: DatasetError.label(file: path, image: 1, found: 10)) { try ImageDataset(at: folder) }
      try write(Array("cat\ndog\n".utf8), "batches.meta.txt", in: folder)
      let names = folder.appendingPathComponent("batches.meta.txt").path
      #expect(throws: DatasetError.labelNames(file: names, found: 2)) { try ImageDataset(at: folder) }
    }
  }
}
