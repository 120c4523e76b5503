import Foundation
import Synchronization
import VQDiffusion
import VQDiffusionTraining

/// An image whose every pixel differs from its neighbours' and from other images' in the same place.
func picture(_ number: Int, width: Int = 5, height: Int = 4) -> RGBImage {
  let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 * 37 + number * 101 + $0 * $0 / 7) }
  return RGBImage(width: width, height: height, pixels: pixels)
}

/// A file of a data set, from its path in the folder.
func write(_ image: RGBImage, _ path: String, in folder: URL) throws {
  try image.write(to: folder.appendingPathComponent(path), creatingFolders: true)
}

func write(_ bytes: [UInt8], _ path: String, in folder: URL) throws {
  let url = folder.appendingPathComponent(path)
  try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
  try Data(bytes).write(to: url)
}

/// A folder of images without classes, `picture(i)` in the place i.
func writePictures(_ count: Int, in folder: URL, width: Int = 5, height: Int = 4) throws {
  for number in 0..<count {
    try write(picture(number, width: width, height: height), numberedName(number), in: folder)
  }
}

func numberedName(_ number: Int) -> String { "\(number / 100)\(number / 10 % 10)\(number % 10).png" }

/// Pixels as a training sees them: −1…1.
func training(_ image: RGBImage) -> [Float] { image.pixels.map { 2 * (Float($0) / 255) - 1 } }

/// What `PreparedImages` reports of images that can't be read.
final class Reports: Sendable {
  private let all = Mutex<[String]>([])

  var names: [String] { all.withLock { $0.sorted() } }

  func add(_ name: String, _ error: ImageError) { all.withLock { $0.append(name) } }
}

extension PreparedImages {
  convenience init(_ folder: URL, width: Int = 5, height: Int = 4, budget: Int = 1 << 20, reports: Reports = Reports()) throws {
    self.init(
      try ImageDataset(at: folder), size: ImageSize(width: width, height: height), memoryBudget: budget,
      onUnreadable: reports.add)
  }
}
