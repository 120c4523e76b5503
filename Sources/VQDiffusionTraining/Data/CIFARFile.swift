import Files
import Foundation
import Images
import VQDiffusion

/// A file of CIFAR-10's binary version (A. Krizhevsky 2009): records of a label byte and the red, green and blue planes of 32×32 pixels.
struct CIFARFile: Sendable {
  static let side = 32
  static let recordSize = 1 + 3 * side * side

  /// The classes in the order of their labels.
  static let names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

  static let pathExtension = "bin"

  /// The label of each image.
  let labels: [UInt8]
  private let file: MappedFile

  var count: Int { labels.count }
  var path: String { file.path }

  /// - Throws: `DatasetError.unreadable`, `.recordSize`, `.label`.
  init(_ url: URL) throws(DatasetError) {
    file = try Self.mapped(url)
    let (records, rest) = file.bytes.count.quotientAndRemainder(dividingBy: Self.recordSize)
    guard records > 0, rest == 0 else { throw .recordSize(file: file.path, found: file.bytes.count) }
    let bytes = file.bytes
    labels = (0..<records).map { bytes[$0 * Self.recordSize] }
    if let image = labels.firstIndex(where: { $0 >= Self.names.count }) {
      throw .label(file: file.path, image: image, found: Int(labels[image]))
    }
  }

  /// The files of CIFAR-10 in a folder: `data_batch_1.bin` … if there are such, so that the test images beside them aren't trained
  /// on, otherwise every .bin file. Empty where there is none.
  static func files(among urls: [URL]) -> [URL] {
    let files = urls.filter { $0.pathExtension.lowercased() == pathExtension }
    let training = files.filter { $0.lastPathComponent.hasPrefix("data_batch_") }
    return training.isEmpty ? files : training
  }

  /// The names of the classes: the lines of `batches.meta.txt` in a folder, the known ones without such a file.
  ///
  /// - Throws: `DatasetError.unreadable`, `.labelNames`.
  static func names(in folder: URL) throws(DatasetError) -> [String] {
    let url = folder.appendingPathComponent("batches.meta.txt")
    guard FileManager.default.fileExists(atPath: url.path) else { return names }
    let file = try mapped(url)
    let lines = withExtendedLifetime(file) { String(decoding: file.bytes.prefix(1 << 16), as: UTF8.self) }
      .split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    guard lines.count == names.count else { throw .labelNames(file: url.path, found: lines.count) }
    return lines
  }

  /// The planes of a record as pixels.
  func image(_ index: Int) -> RGBImage {
    let plane = Self.side * Self.side
    let start = index * Self.recordSize + 1
    let bytes = file.bytes
    let pixels = [UInt8](unsafeUninitializedCapacity: 3 * plane) { pixels, count in
      for pixel in 0..<plane {
        for channel in 0..<3 { pixels[3 * pixel + channel] = bytes[start + channel * plane + pixel] }
      }
      count = 3 * plane
    }
    return RGBImage(width: Self.side, height: Self.side, pixels: pixels)
  }

  private static func mapped(_ url: URL) throws(DatasetError) -> MappedFile {
    do {
      return try MappedFile(url)
    } catch {
      throw .unreadable(path: url.path, reason: error.reason)
    }
  }
}
