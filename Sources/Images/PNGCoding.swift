import CPNG

extension RGBImage {
  /// The most pixels that are read unless told otherwise: 64 Mi, 192 MiB in memory.
  public static let defaultMaximumPixels = 64 << 20

  /// Decodes a PNG file's bytes: any colour type, bit depth and interlacing, converted to 8-bit sRGB.
  ///
  /// Transparent pixels are composited on `background`, sRGB value by sRGB value. A file without a gamma or sRGB chunk counts as
  /// sRGB, one of 16 bits a sample too.
  ///
  /// - Parameters:
  ///   - file: What messages call the bytes.
  ///   - expected: The size that the image must have, if any.
  ///   - maximumPixels: A file that announces more is refused before memory is taken, and so is one that announces more than its
  ///     compressed bytes can hold.
  /// - Throws: `ImageError.notPNG`, `.corrupt`, `.tooLarge`, `.wrongSize`.
  public init(
    png: [UInt8], file: String = "in memory", expecting expected: ImageSize? = nil, over background: Color = .white,
    maximumPixels: Int = defaultMaximumPixels
  ) throws(ImageError) {
    let container = try PNGContainer(png, file: file)
    let size = container.size
    try size.check(file: file, expecting: expected, maximumPixels: maximumPixels)
    try container.checkPixelBytes(file: file)
    let pixels = try Self.decode(png, file: file, size: size, over: background)
    self.init(width: size.width, height: size.height, pixels: pixels)
  }

  /// The image as a PNG file's bytes, `text` in tEXt or iTXt chunks ahead of the pixels. Equal images and texts give equal bytes.
  ///
  /// - Parameter file: What messages call the bytes.
  /// - Throws: `ImageError.invalidText`; `.tooLarge` above 2 GiB of pixels.
  public func pngBytes(text: [PNGText] = [], file: String = "in memory") throws(ImageError) -> [UInt8] {
    var chunks: [UInt8] = []
    for entry in text { chunks += try entry.chunk() }

    guard pixels.count <= Int(Int32.max) else {
      throw .tooLarge(file: file, found: size, maximumPixels: Int(Int32.max) / 3)
    }
    return try Self.withControl { control throws(ImageError) in
      control.pointee.width = png_uint_32(width)
      control.pointee.height = png_uint_32(height)
      control.pointee.format = vqd_png_format_rgb
      var count = vqd_png_size_bound(control.pointee)
      var bytes = [UInt8](repeating: 0, count: count)
      guard png_image_write_to_memory(control, &bytes, &count, 0, pixels, 0, nil) != 0 else {
        throw .unwritable(file: file, reason: Self.message(of: control.pointee))
      }
      return bytes[..<PNGContainer.headerCount] + chunks + bytes[PNGContainer.headerCount..<count]
    }
  }
}

// libpng's simplified interface (its manual, section "Simplified API").
extension RGBImage {
  private static func decode(
    _ png: [UInt8], file: String, size: ImageSize, over background: Color
  ) throws(ImageError) -> [UInt8] {
    try withControl { control throws(ImageError) in
      // libpng keeps the pointer from the first call to the second.
      try png.withUnsafeBufferPointer { source throws(ImageError) in
        guard png_image_begin_read_from_memory(control, source.baseAddress, source.count) != 0 else {
          throw .corrupt(file: file, reason: message(of: control.pointee))
        }
        let isTransparent = control.pointee.format & vqd_png_format_flag_alpha != 0
        control.pointee.format = isTransparent ? vqd_png_format_rgba : vqd_png_format_rgb
        control.pointee.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
        var samples = [UInt8](repeating: 0, count: size.width * size.height * (isTransparent ? 4 : 3))
        guard png_image_finish_read(control, nil, &samples, 0, nil) != 0 else {
          throw .corrupt(file: file, reason: message(of: control.pointee))
        }
        return isTransparent ? composite(samples, over: background) : samples
      }
    }
  }

  /// `α c + (1 − α) background` of straight RGBA samples, rounded. libpng's own composition is up to 6 of 255 off in dark pixels.
  private static func composite(_ samples: [UInt8], over background: Color) -> [UInt8] {
    let behind = [background.red, background.green, background.blue].map(Int.init)
    var pixels = [UInt8]()
    pixels.reserveCapacity(samples.count / 4 * 3)
    for start in stride(from: 0, to: samples.count, by: 4) {
      let alpha = Int(samples[start + 3])
      for channel in 0..<3 {
        pixels.append(UInt8((Int(samples[start + channel]) * alpha + behind[channel] * (255 - alpha) + 127) / 255))
      }
    }
    return pixels
  }

  /// Runs `body` with libpng's control block, which may not move between calls, and frees what libpng hung on it.
  private static func withControl(_ body: (UnsafeMutablePointer<png_image>) throws(ImageError) -> [UInt8]) throws(ImageError)
    -> [UInt8]
  {
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    return try withUnsafeMutablePointer(to: &image) { control throws(ImageError) in
      defer { png_image_free(control) }
      return try body(control)
    }
  }

  private static func message(of image: png_image) -> String {
    withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
