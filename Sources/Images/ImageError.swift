/// What can go wrong with an image file.
public enum ImageError: Error, Equatable, Sendable {
  /// The file can't be opened or read.
  case unreadable(file: String, reason: String)
  /// The file doesn't begin with PNG's signature; `found` are its first bytes, at most eight.
  case notPNG(file: String, found: [UInt8])
  /// The file begins neither like a PNG nor like a JPEG file; `found` are its first bytes, at most eight.
  case unknownFormat(file: String, found: [UInt8])
  /// The file begins like one of its format, but is cut short, damaged, or of a kind that the format's library doesn't decode.
  case corrupt(file: String, reason: String)
  /// The file's colours aren't grey or RGB.
  case unsupportedColours(file: String, found: String)
  /// The image has more pixels than the reader, or the format, takes.
  case tooLarge(file: String, found: ImageSize, maximumPixels: Int)
  /// The image doesn't have the size that its use asks for.
  case wrongSize(file: String, expected: ImageSize, found: ImageSize)
  /// A mask that has nothing to repaint.
  case emptyMask(file: String)
  /// A keyword or text that PNG's text chunks can't hold.
  case invalidText(keyword: String, reason: String)
  /// The file can't be written; nothing of it was left behind.
  case unwritable(file: String, reason: String)
}

extension ImageError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let file, let reason):
      "can't read image \(file): \(reason)"
    case .notPNG(let file, let found):
      "\(file) is not a PNG file: expected it to begin with the bytes \(hexadecimal(ImageFormat.png.signature)), found "
        + (found.isEmpty ? "an empty file" : hexadecimal(found))
    case .unknownFormat(let file, let found):
      "\(file) is neither a PNG nor a JPEG file: expected it to begin with the bytes "
        + "\(hexadecimal(ImageFormat.png.signature)) or \(hexadecimal(ImageFormat.jpeg.signature)), found "
        + (found.isEmpty ? "an empty file" : hexadecimal(found))
    case .corrupt(let file, let reason):
      "image \(file) can't be decoded: \(reason)"
    case .unsupportedColours(let file, let found):
      "image \(file) can't be read: expected grey or RGB colours, found \(found)"
    case .tooLarge(let file, let found, let maximumPixels):
      "image \(file) is too large: expected at most \(maximumPixels) pixels, found \(found)"
    case .wrongSize(let file, let expected, let found):
      "image \(file) has the wrong size: expected \(expected), found \(found) pixels"
    case .emptyMask(let file):
      "mask \(file) has nothing to repaint: expected a pixel of luminance \(RepaintMask.threshold) or more (white), found none"
    case .invalidText(let keyword, let reason):
      "PNG text \"\(keyword)\" can't be stored: \(reason)"
    case .unwritable(let file, let reason):
      "can't write image \(file): \(reason)"
    }
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
  }
}
