import Images

/// A movement of a picture on its canvas, in pixels: to the right and downwards where positive.
public struct PixelOffset: Sendable, Equatable, CustomStringConvertible {
  public let x: Int
  public let y: Int

  static let optionName = "offset"

  public init(x: Int, y: Int) { (self.x, self.y) = (x, y) }

  /// Reads `X,Y`, such as `16,0` or `-8,4`.
  ///
  /// - Throws: `PipelineError.invalidOption`.
  public init(option: String) throws(PipelineError) {
    let parts = option.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let x = parts[0], let y = parts[1] else {
      throw .invalidOption(name: Self.optionName, expected: "two whole numbers of pixels as X,Y, such as 16,0", found: option)
    }
    self.init(x: x, y: y)
  }

  /// What `init(option:)` reads back.
  public var description: String { "\(x),\(y)" }

  /// Whether a picture of `size`, moved, lies over the place (x, y) of its canvas.
  func covers(x: Int, y: Int, of size: ImageSize) -> Bool {
    // Compared on this side, because x − self.x may pass Int's range.
    (0..<size.width).contains(x) && (0..<size.height).contains(y)
      && self.x <= x && x - size.width < self.x && self.y <= y && y - size.height < self.y
  }
}

extension RGBImage {
  /// The picture moved on a canvas of its own size: what passes the border is lost, what becomes uncovered takes `background`.
  public func moved(by offset: PixelOffset, over background: Color = .gray) -> RGBImage {
    var moved = RGBImage(width: width, height: height, filledWith: background)
    for y in 0..<height {
      for x in 0..<width where offset.covers(x: x, y: y, of: size) { moved[x, y] = self[x - offset.x, y - offset.y] }
    }
    return moved
  }
}

extension RepaintMask {
  /// The mask of what a picture of `size` leaves uncovered when it is moved.
  ///
  /// - Throws: `PipelineError.invalidOption` for an offset of (0, 0), which uncovers nothing, and for one as wide or as high as
  ///   the picture, which leaves nothing of it.
  public init(uncoveredBy offset: PixelOffset, of size: ImageSize) throws(PipelineError) {
    guard offset != PixelOffset(x: 0, y: 0), offset.x.magnitude < size.width, offset.y.magnitude < size.height else {
      throw .invalidOption(
        name: PixelOffset.optionName,
        expected: "other than 0,0 and less than the picture's \(size) pixels in either direction", found: "\(offset)")
    }
    var isRepainted: [Bool] = []
    isRepainted.reserveCapacity(size.width * size.height)
    for y in 0..<size.height {
      for x in 0..<size.width { isRepainted.append(!offset.covers(x: x, y: y, of: size)) }
    }
    self.init(size: size, isRepainted: isRepainted, isBinary: true)
  }
}
