import CJPEG

extension RGBImage {
  /// Decodes a JPEG file's bytes (baseline or progressive, 8 bits a sample): grey, YCbCr or RGB, to 8-bit RGB that counts as sRGB.
  ///
  /// The orientation that a camera's metadata may state isn't applied. What libjpeg would mend with a warning, such as a file that
  /// ends early, is an error here.
  ///
  /// - Parameters:
  ///   - file: What messages call the bytes.
  ///   - expected: The size that the image must have, if any.
  ///   - maximumPixels: A file that announces more is refused before memory is taken.
  /// - Throws: `ImageError.corrupt`, `.unsupportedColours`, `.tooLarge`, `.wrongSize`.
  public init(
    jpeg: [UInt8], file: String = "in memory", expecting expected: ImageSize? = nil,
    maximumPixels: Int = defaultMaximumPixels
  ) throws(ImageError) {
    guard let decompressor = tjInitDecompress() else {
      throw .corrupt(file: file, reason: JPEGMessage.latest(of: nil))
    }
    defer { tjDestroy(decompressor) }
    var (width, height, subsampling, colours) = (Int32(0), Int32(0), Int32(0), Int32(0))
    guard
      tjDecompressHeader3(decompressor, jpeg, UInt(jpeg.count), &width, &height, &subsampling, &colours) == 0
    else { throw .corrupt(file: file, reason: JPEGMessage.latest(of: decompressor)) }
    // The library takes a file that ends before its frame header for one of tables only, and leaves the size as it was.
    guard width > 0, height > 0 else { throw .corrupt(file: file, reason: "expected a frame header, found the end of the file") }
    let size = ImageSize(width: Int(width), height: Int(height))
    try size.check(file: file, expecting: expected, maximumPixels: maximumPixels)
    switch TJCS(rawValue: TJCS.RawValue(colours)) {
    case TJCS_CMYK, TJCS_YCCK: throw .unsupportedColours(file: file, found: "CMYK")
    default: break
    }

    var pixels = [UInt8](repeating: 0, count: size.width * size.height * 3)
    // Without a limit a small progressive file could name each of many pixels thousands of times.
    let flags = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS
    guard
      tjDecompress2(
        decompressor, jpeg, UInt(jpeg.count), &pixels, width, width * 3, height, Int32(TJPF_RGB.rawValue), flags)
        == 0
    else { throw .corrupt(file: file, reason: JPEGMessage.latest(of: decompressor)) }
    self.init(width: size.width, height: size.height, pixels: pixels)
  }
}

private enum JPEGMessage {
  /// What the library says of its last error.
  static func latest(of handle: tjhandle?) -> String {
    tjGetErrorStr2(handle).map { String(cString: $0) } ?? "unknown error"
  }
}
