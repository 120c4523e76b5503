/// The kinds of files that images are read from.
package enum ImageFormat: CaseIterable, Sendable {
  case png, jpeg

  /// What a file of the format begins with: PNG's signature (ISO/IEC 15948, 5.2); JPEG's start of image and the first byte of the next
  /// marker (ITU-T T.81, annex B).
  package var signature: [UInt8] {
    switch self {
    case .png: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    case .jpeg: [0xFF, 0xD8, 0xFF]
    }
  }

  /// The endings of the names that such files bear.
  package var pathExtensions: [String] {
    switch self {
    case .png: ["png"]
    case .jpeg: ["jpg", "jpeg"]
    }
  }

  /// The format of a file that begins with `bytes`, whatever its name.
  package init?(of bytes: [UInt8]) {
    guard let format = Self.allCases.first(where: { bytes.starts(with: $0.signature) }) else { return nil }
    self = format
  }
}

extension ImageSize {
  /// Checks the size that a file announces, before memory is taken for its pixels.
  ///
  /// - Throws: `ImageError.tooLarge`, `.wrongSize`.
  package func check(file: String, expecting expected: ImageSize?, maximumPixels: Int) throws(ImageError) {
    // PNG's sides go up to 2³² − 1, so a product may pass Int's range.
    let (pixels, isOverflow) = width.multipliedReportingOverflow(by: height)
    guard !isOverflow, pixels <= maximumPixels else {
      throw .tooLarge(file: file, found: self, maximumPixels: maximumPixels)
    }
    if let expected, expected != self { throw .wrongSize(file: file, expected: expected, found: self) }
  }
}
