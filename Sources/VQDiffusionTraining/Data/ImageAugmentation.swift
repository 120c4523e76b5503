import Images
import VQDiffusion

/// How a training image differs from the one on disk: shifted by whole pixels, then perhaps mirrored.
package struct ImageAugmentation: Sendable, Equatable {
  /// Whether left and right are exchanged, after the shift.
  package var isFlipped: Bool
  /// Where in the image, continued by reflection, the left column and the top row are taken from.
  package var shiftX: Int
  package var shiftY: Int

  package init(isFlipped: Bool = false, shiftX: Int = 0, shiftY: Int = 0) {
    (self.isFlipped, self.shiftX, self.shiftY) = (isFlipped, shiftX, shiftY)
  }

  /// Writes 8-bit pixels, [H, W, 3], as 2 v / 255 − 1, rounded as an encoder's input is at inference.
  func write(_ pixels: [UInt8], _ size: ImageSize, to target: UnsafeMutablePointer<Float>) {
    pixels.withUnsafeBufferPointer { pixels in
      if self == ImageAugmentation() {
        for place in 0..<pixels.count { target[place] = Self.value(pixels[place]) }
        return
      }
      let columns = (0..<size.width).map { x in
        3 * Self.reflected((isFlipped ? size.width - 1 - x : x) + shiftX, size.width)
      }
      for y in 0..<size.height {
        let source = Self.reflected(y + shiftY, size.height) * size.width * 3
        for (x, column) in columns.enumerated() {
          let place = (y * size.width + x) * 3
          for channel in 0..<3 { target[place + channel] = Self.value(pixels[source + column + channel]) }
        }
      }
    }
  }

  private static func value(_ byte: UInt8) -> Float { 2 * (Float(byte) / 255) - 1 }

  /// The place in 0..<count that a place beyond the border mirrors; the border itself isn't doubled.
  static func reflected(_ place: Int, _ count: Int) -> Int {
    guard count > 1 else { return 0 }
    let period = 2 * (count - 1)
    let offset = ((place % period) + period) % period
    return min(offset, period - offset)
  }
}
