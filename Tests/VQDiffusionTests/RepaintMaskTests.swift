import Foundation
import TestSupport
import Testing
import VQDiffusion

/// A mask of `size` in which the pixels are repainted for which `isRepainted` says so.
func repaintMask(width: Int, height: Int, _ isRepainted: (Int, Int) -> Bool) throws -> RepaintMask {
  var picture = RGBImage(width: width, height: height, filledWith: .black)
  for y in 0..<height {
    for x in 0..<width where isRepainted(x, y) { picture[x, y] = .white }
  }
  return try RepaintMask(picture)
}

@Suite struct RepaintMaskTests {
  /// The formula of make.py in Tests/Fixtures/png.
  private func sample(_ x: Int, _ y: Int, _ channel: Int) -> Int { (37 * x + 59 * y + 83 * channel) % 256 }

  private func read(_ name: String, width: Int, height: Int) throws -> RepaintMask {
    try RepaintMask(contentsOf: pngFixture(name), expecting: ImageSize(width: width, height: height))
  }

  private func places(width: Int, height: Int) -> [(x: Int, y: Int)] {
    (0..<width * height).map { ($0 % width, $0 / width) }
  }

  @Test func luminance128IsTheFirstThatIsRepainted() throws {
    for (value, isRepainted) in [(1, false), (127, false), (128, true), (254, true)] as [(UInt8, Bool)] {
      let mask = try RepaintMask(RGBImage(width: 2, height: 1, pixels: [255, 255, 255, value, value, value]))
      #expect(mask.isRepainted == [true, isRepainted] && !mask.isBinary, "gray \(value)")
    }
    // 0.7152 · 178 = 127.3, 0.7152 · 179 = 128.02; red alone has 54, blue alone 18, both 73.
    let colors: [(RGBImage.Color, Bool)] = [
      (.init(0, 178, 0), false), (.init(0, 179, 0), true), (.init(255, 0, 0), false), (.init(0, 0, 255), false),
      (.init(255, 0, 255), false), (.init(255, 255, 0), true),
    ]
    for (color, isRepainted) in colors {
      var picture = RGBImage(width: 1, height: 2, filledWith: .white)
      picture[0, 1] = color
      let mask = try RepaintMask(picture)
      #expect(mask.isRepainted == [true, isRepainted] && !mask.isBinary, "\(color)")
    }
  }

  @Test func blackAndWhiteIsBinary() throws {
    let mask = try read("grey1-11x3", width: 11, height: 3)
    #expect(mask.isBinary && !mask.coversEverything && mask.size == ImageSize(width: 11, height: 3))
    #expect(mask.isRepainted == places(width: 11, height: 3).map { sample($0.x, $0.y, 0) & 1 == 1 })
  }

  @Test func readsGrayAndRGB() throws {
    let gray = try read("grey8-5x7", width: 5, height: 7)
    #expect(gray.isRepainted == places(width: 5, height: 7).map { sample($0.x, $0.y, 0) >= 128 } && !gray.isBinary)
    let rgb = try read("rgb-interlaced-11x9", width: 11, height: 9)
    let expected = places(width: 11, height: 9).map { x, y in
      2126 * sample(x, y, 0) + 7152 * sample(x, y, 1) + 722 * sample(x, y, 2) >= 1_280_000
    }
    #expect(rgb.isRepainted == expected && Set(expected).count == 2)
  }

  /// Alpha is 0, 128 and 255 in columns 0, 1 and 2 modulo 3.
  @Test func transparentPixelsStay() throws {
    let alpha = [0, 128, 255]
    let mask = try read("grey-alpha-5x3", width: 5, height: 3)
    let expected = places(width: 5, height: 3).map { x, y in (sample(x, y, 0) * alpha[x % 3] + 127) / 255 >= 128 }
    #expect(mask.isRepainted == expected && Set(expected).count == 2)
    let rgba = try read("rgba-7x3", width: 7, height: 3)
    #expect(places(width: 7, height: 3).enumerated().allSatisfy { $1.x % 3 != 0 || !rgba.isRepainted[$0] })
    #expect(rgba.isRepainted.contains(true))
  }

  @Test func aWhiteMaskCoversEverything() throws {
    let mask = try RepaintMask(RGBImage(width: 3, height: 5, filledWith: .white))
    #expect(mask.coversEverything && mask.isBinary && mask.tokens(pixelsPerToken: 1).allSatisfy { $0 })
  }

  @Test func refusesAMaskWithNothingToRepaint() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("mask.png")
      try RGBImage(width: 4, height: 3, filledWith: .init(127, 127, 127)).write(to: file)
      let error = try #require(throws: ImageError.self) {
        try RepaintMask(contentsOf: file, expecting: ImageSize(width: 4, height: 3))
      }
      #expect(error == .emptyMask(file: file.path))
      #expect("\(error)".contains(file.path) && "\(error)".contains("luminance 128") && "\(error)".contains("found none"))
    }
  }

  @Test func refusesAnotherSizeAndOtherFiles() throws {
    let file = pngFixture("grey8-5x7")
    let (expected, found) = (ImageSize(width: 7, height: 5), ImageSize(width: 5, height: 7))
    #expect(throws: ImageError.wrongSize(file: file.path, expected: expected, found: found)) {
      try RepaintMask(contentsOf: file, expecting: expected)
    }
    let missing = pngFixture("no-such-mask")
    #expect(throws: ImageError.unreadable(file: missing.path, reason: "No such file or directory")) {
      try RepaintMask(contentsOf: missing, expecting: expected)
    }
    let notPNG = URL(fileURLWithPath: #filePath)
    #expect(throws: ImageError.unknownFormat(file: notPNG.path, found: Array("import F".utf8))) {
      try RepaintMask(contentsOf: notPNG, expecting: expected)
    }
  }

  /// One repainted pixel, wherever it is, makes its token be repainted and no other.
  @Test(arguments: [(1, 1, 1), (3, 2, 1), (1, 5, 3), (3, 2, 4)]) func aTokenIsRepaintedIfAnyPixelIs(
    pixels: Int, columns: Int, rows: Int
  ) throws {
    let (width, height) = (pixels * columns, pixels * rows)
    for (x, y) in places(width: width, height: height) {
      let mask = try repaintMask(width: width, height: height) { $0 == x && $1 == y }
      let tokens = mask.tokens(pixelsPerToken: pixels)
      #expect(tokens == (0..<columns * rows).map { $0 == y / pixels * columns + x / pixels }, "pixel (\(x), \(y))")
    }
  }
}

@Suite struct PixelOffsetTests {
  private let size = ImageSize(width: 7, height: 5)

  @Test(arguments: [(1, 0), (0, 1), (-1, 0), (0, -1), (6, 4), (-6, -4), (3, -2), (-5, 1)])
  func uncoversWhatThePictureLeaves(x: Int, y: Int) throws {
    let offset = PixelOffset(x: x, y: y)
    let picture = patternImage(width: 7, height: 5)
    let mask = try RepaintMask(uncoveredBy: offset, of: size)
    let moved = picture.moved(by: offset, over: .init(1, 2, 3))
    #expect(mask.isBinary && mask.size == size && moved.size == size)
    for place in 0..<35 {
      let (fromX, fromY) = (place % 7 - x, place / 7 - y)
      let isCovered = (0..<7).contains(fromX) && (0..<5).contains(fromY)
      #expect(mask.isRepainted[place] == !isCovered)
      #expect(moved[place % 7, place / 7] == (isCovered ? picture[fromX, fromY] : .init(1, 2, 3)))
    }
  }

  @Test(arguments: [(0, 0), (7, 0), (-7, 0), (0, 5), (0, -5), (1, 6), (.max, 0), (.min, 1), (0, .min)])
  func refusesOffsetsThatLeaveAllOrNothing(x: Int, y: Int) throws {
    let error = try #require(throws: PipelineError.self) {
      try RepaintMask(uncoveredBy: PixelOffset(x: x, y: y), of: size)
    }
    #expect(
      "\(error)" == "offset must be other than 0,0 and less than the picture's 7×5 pixels in either direction, found \(x),\(y)")
  }

  @Test(arguments: [(.max, 0), (.min, 0), (0, .max), (0, .min), (.min, .max)] as [(Int, Int)])
  func aPictureCanBeMovedOutOfSight(x: Int, y: Int) {
    let moved = patternImage(width: 3, height: 2).moved(by: PixelOffset(x: x, y: y))
    #expect(moved == RGBImage(width: 3, height: 2, filledWith: .gray))
  }

  @Test func isReadFromText() throws {
    for offset in [PixelOffset(x: 16, y: 0), PixelOffset(x: -8, y: 4), PixelOffset(x: 0, y: -1)] {
      #expect(try PixelOffset(option: "\(offset)") == offset)
    }
    for text in ["", "4", "4,", ",4", "4,4,4", "4;4", "4.5,0", "four,0", "99999999999999999999,0"] {
      let error = try #require(throws: PipelineError.self, "'\(text)'") { try PixelOffset(option: text) }
      guard case .invalidOption("offset", _, text) = error else {
        Issue.record("\(error)")
        continue
      }
    }
  }
}
