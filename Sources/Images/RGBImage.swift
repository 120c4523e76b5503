/// Width and height of an image in pixels.
public struct ImageSize: Sendable, Equatable, CustomStringConvertible {
  public let width: Int
  public let height: Int

  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  public var description: String { "\(width)×\(height)" }
}

/// An image of 8-bit sRGB pixels.
public struct RGBImage: Sendable, Equatable {
  /// One pixel.
  public struct Color: Sendable, Equatable {
    public let red: UInt8
    public let green: UInt8
    public let blue: UInt8

    public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
      self.red = red
      self.green = green
      self.blue = blue
    }

    public static let black = Color(0, 0, 0)
    public static let white = Color(255, 255, 255)
    public static let gray = Color(128, 128, 128)
  }

  public let width: Int
  public let height: Int

  /// Red, green, blue of each pixel, row by row from the top: `[height, width, 3]`.
  public private(set) var pixels: [UInt8]

  public var size: ImageSize { ImageSize(width: width, height: height) }

  /// An image of `pixels`, `[height, width, 3]` in row-major order.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(width > 0 && height > 0, "an image of \(width)×\(height) pixels")
    precondition(pixels.count == width * height * 3, "\(pixels.count) bytes don't fill \(width)×\(height) RGB pixels")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// An image of one colour.
  public init(width: Int, height: Int, filledWith color: Color) {
    var pixels = [UInt8]()
    pixels.reserveCapacity(width * height * 3)
    for _ in 0..<(width * height) { pixels += [color.red, color.green, color.blue] }
    self.init(width: width, height: height, pixels: pixels)
  }

  /// The pixel in column `x`, row `y`, counted from the top left.
  public subscript(x: Int, y: Int) -> Color {
    get {
      let start = offset(x, y)
      return Color(pixels[start], pixels[start + 1], pixels[start + 2])
    }
    set {
      let start = offset(x, y)
      pixels[start] = newValue.red
      pixels[start + 1] = newValue.green
      pixels[start + 2] = newValue.blue
    }
  }

  private func offset(_ x: Int, _ y: Int) -> Int {
    precondition(x >= 0 && x < width && y >= 0 && y < height, "pixel (\(x), \(y)) outside \(size)")
    return (y * width + x) * 3
  }
}

extension RGBImage {
  /// The image `factor` times as wide and as high, each pixel a square of `factor` by `factor` (nearest neighbour).
  public func scaled(by factor: Int) -> RGBImage {
    precondition(factor > 0, "scale factor \(factor)")
    var scaled = [UInt8]()
    scaled.reserveCapacity(pixels.count * factor * factor)
    for y in 0..<height {
      var row = [UInt8]()
      row.reserveCapacity(width * factor * 3)
      for start in stride(from: offset(0, y), to: offset(0, y) + width * 3, by: 3) {
        for _ in 0..<factor { row += pixels[start..<start + 3] }
      }
      for _ in 0..<factor { scaled += row }
    }
    return RGBImage(width: width * factor, height: height * factor, pixels: scaled)
  }

  /// `images` side by side, row by row, in at most `columns` columns.
  ///
  /// All cells have the size of the widest and the highest image; a smaller image lies in its cell's top left corner. `gap`
  /// pixels of `background` lie between the cells, none around them.
  public static func grid(_ images: [RGBImage], columns: Int, gap: Int = 2, background: Color = .white) -> RGBImage {
    precondition(!images.isEmpty && columns > 0 && gap >= 0, "\(images.count) images in \(columns) columns, gap \(gap)")
    let columns = min(columns, images.count)
    let rows = (images.count + columns - 1) / columns
    let cellWidth = images.reduce(0) { max($0, $1.width) } + gap
    let cellHeight = images.reduce(0) { max($0, $1.height) } + gap
    var sheet = RGBImage(width: columns * cellWidth - gap, height: rows * cellHeight - gap, filledWith: background)
    for (index, image) in images.enumerated() {
      sheet.paste(image, atX: index % columns * cellWidth, y: index / columns * cellHeight)
    }
    return sheet
  }

  private mutating func paste(_ image: RGBImage, atX x: Int, y: Int) {
    for row in 0..<image.height {
      let from = image.offset(0, row)
      let to = offset(x, y + row)
      pixels.replaceSubrange(to..<to + image.width * 3, with: image.pixels[from..<from + image.width * 3])
    }
  }
}
