import Foundation

/// Which pixels of a picture are to be painted anew; the others are known and stay.
///
/// A mask file is a PNG (or JPEG, which blurs its edges) of the picture's size, grey, palette or RGB, with or without alpha, any bit
/// depth: white is repainted, black stays. A pixel is repainted if its luminance, 0.2126 R + 0.7152 G + 0.0722 B of the 8-bit sRGB values (Rec. 709's
/// weights), is at least 128. Transparent pixels are composited on black, so what is transparent stays.
public struct RepaintMask: Sendable, Equatable {
  /// The least luminance, of 0…255, that is repainted.
  public static let threshold = 128

  public let size: ImageSize
  /// Whether each pixel is repainted, row by row from the top: [height, width].
  public let isRepainted: [Bool]
  /// Whether the mask was black and white alone. Other values are cut off at `threshold`, which may not be what was meant, so
  /// a program should say so.
  public let isBinary: Bool

  /// Reads a mask file for a picture of `size`.
  ///
  /// - Throws: `ImageError.unreadable`, `.unknownFormat`, `.corrupt`, `.tooLarge`; `.wrongSize` for another size; `.emptyMask` if
  ///   nothing is to be repainted.
  public init(contentsOf url: URL, expecting size: ImageSize) throws(ImageError) {
    try self.init(RGBImage(contentsOf: url, expecting: size, over: .black), file: url.path)
  }

  /// The mask that a picture of it shows.
  ///
  /// - Parameter file: What messages call the picture.
  /// - Throws: `ImageError.emptyMask` if nothing is to be repainted.
  public init(_ picture: RGBImage, file: String = "in memory") throws(ImageError) {
    var isRepainted: [Bool] = []
    isRepainted.reserveCapacity(picture.pixels.count / 3)
    var isBinary = true
    for start in stride(from: 0, to: picture.pixels.count, by: 3) {
      let (red, green, blue) = (picture.pixels[start], picture.pixels[start + 1], picture.pixels[start + 2])
      // In ten-thousandths and thus exact: grey 128 is repainted, 127 isn't.
      let luminance = 2126 * Int(red) + 7152 * Int(green) + 722 * Int(blue)
      isRepainted.append(luminance >= Self.threshold * 10_000)
      if red != green || green != blue || (red != 0 && red != 255) { isBinary = false }
    }
    guard isRepainted.contains(true) else { throw .emptyMask(file: file) }
    self.init(size: picture.size, isRepainted: isRepainted, isBinary: isBinary)
  }

  package init(size: ImageSize, isRepainted: [Bool], isBinary: Bool) {
    (self.size, self.isRepainted, self.isBinary) = (size, isRepainted, isBinary)
  }

  /// Whether every pixel is repainted. That is allowed, but then nothing is known of the picture, and repainting it is plain
  /// generation.
  public var coversEverything: Bool { !isRepainted.contains(false) }

  /// Which tokens are to be sampled anew, row by row: those with a repainted pixel among their `pixelsPerToken`² pixels. A token
  /// can't be sampled in part.
  ///
  /// - Parameter pixelsPerToken: divides both sides.
  public func tokens(pixelsPerToken: Int) -> [Bool] {
    precondition(
      pixelsPerToken > 0 && size.width.isMultiple(of: pixelsPerToken) && size.height.isMultiple(of: pixelsPerToken),
      "\(pixelsPerToken) pixels a token in a mask of \(size) pixels")
    let columns = size.width / pixelsPerToken
    var tokens = [Bool](repeating: false, count: columns * (size.height / pixelsPerToken))
    for (index, isRepainted) in isRepainted.enumerated() where isRepainted {
      let (x, y) = (index % size.width, index / size.width)
      tokens[y / pixelsPerToken * columns + x / pixelsPerToken] = true
    }
    return tokens
  }
}
