import CPNG
import Foundation
import VQDiffusion

/// A file of Tests/Fixtures/png (see make.py there).
func pngFixture(_ name: String) -> URL {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/png/\(name).png")
}

/// An image in which each byte differs from its neighbours and no row equals another.
func patternImage(width: Int, height: Int) -> RGBImage {
  RGBImage(width: width, height: height, pixels: (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 73 &+ $0 / 251) })
}

func entries(of folder: URL) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
}

extension [UInt8] {
  /// These bytes of a PNG file with another IHDR, its checksum right.
  func withHeader(width: UInt32, height: UInt32) -> [UInt8] {
    var copy = self
    for (index, value) in [width, height].enumerated() {
      for byte in 0..<4 { copy[16 + 4 * index + byte] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * byte)) }
    }
    let crc = UInt32(crc32_z(0, Array(copy[12..<29]), 17))
    for byte in 0..<4 { copy[29 + byte] = UInt8(truncatingIfNeeded: crc >> UInt32(24 - 8 * byte)) }
    return copy
  }

  /// The position of an ASCII string.
  func position(of string: String) -> Int? {
    let wanted = Array(string.utf8)
    return indices.first { self[$0...].starts(with: wanted) }
  }
}
