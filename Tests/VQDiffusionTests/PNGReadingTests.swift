import Foundation
import TestSupport
import Testing
import VQDiffusion

@Suite struct PNGReadingTests {
  /// The formula of make.py.
  private func sample(_ x: Int, _ y: Int, _ channel: Int) -> Int { (37 * x + 59 * y + 83 * channel) % 256 }

  private let palette = [(10, 20, 30), (250, 0, 0), (0, 240, 5), (70, 80, 255), (1, 2, 3)]

  private func expectPixels(
    of name: String, width: Int, height: Int, over background: RGBImage.Color = .white,
    sourceLocation: SourceLocation = #_sourceLocation, _ expected: (Int, Int) -> (Int, Int, Int)
  ) throws {
    let image = try RGBImage(contentsOf: pngFixture(name), over: background)
    try #require(image.size == ImageSize(width: width, height: height), sourceLocation: sourceLocation)
    for y in 0..<height {
      for x in 0..<width {
        let (found, wanted) = (image[x, y], expected(x, y))
        #expect(
          (Int(found.red), Int(found.green), Int(found.blue)) == wanted, "\(name) at (\(x), \(y))", sourceLocation: sourceLocation
        )
      }
    }
  }

  private func grey(_ value: Int) -> (Int, Int, Int) { (value, value, value) }

  private func blend(_ value: Int, over background: Int, alpha: Int) -> Int {
    let alpha = Double(alpha) / 255
    return Int((alpha * Double(value) + (1 - alpha) * Double(background)).rounded())
  }

  @Test func readsGrey() throws {
    try expectPixels(of: "grey1-11x3", width: 11, height: 3) { grey((sample($0, $1, 0) & 1) * 255) }
    try expectPixels(of: "grey8-5x7", width: 5, height: 7) { grey(sample($0, $1, 0)) }
  }

  /// libpng takes 16-bit samples for linear light unless told otherwise, which would brighten these.
  @Test func reads16BitSamplesAsSRGB() throws {
    try expectPixels(of: "grey16-3x5", width: 3, height: 5) { grey(sample($0, $1, 0)) }
    try expectPixels(of: "rgb16-3x3", width: 3, height: 3) { (sample($0, $1, 0), sample($0, $1, 1), sample($0, $1, 2)) }
  }

  @Test func readsPalettes() throws {
    try expectPixels(of: "palette4-7x5", width: 7, height: 5) { palette[sample($0, $1, 0) % 5] }
    try expectPixels(of: "palette8-transparent-5x3", width: 5, height: 3, over: RGBImage.Color(7, 8, 9)) {
      let index = sample($0, $1, 0) % 5
      return index == 1 ? (7, 8, 9) : palette[index]
    }
  }

  @Test func readsInterlacedPixels() throws {
    try expectPixels(of: "rgb-interlaced-11x9", width: 11, height: 9) {
      (sample($0, $1, 0), sample($0, $1, 1), sample($0, $1, 2))
    }
  }

  @Test(arguments: [RGBImage.Color.white, .black, RGBImage.Color(200, 30, 90)])
  func compositesAlpha(background: RGBImage.Color) throws {
    let behind = [Int(background.red), Int(background.green), Int(background.blue)]
    let alpha = [0, 128, 255]
    try expectPixels(of: "rgba-7x3", width: 7, height: 3, over: background) { x, y in
      let c = (0..<3).map { blend(sample(x, y, $0), over: behind[$0], alpha: alpha[x % 3]) }
      return (c[0], c[1], c[2])
    }
    try expectPixels(of: "grey-alpha-5x3", width: 5, height: 3, over: background) { x, y in
      let c = (0..<3).map { blend(sample(x, y, 0), over: behind[$0], alpha: alpha[x % 3]) }
      return (c[0], c[1], c[2])
    }
  }

  @Test func refusesWhatIsNotPNG() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("notes.png")
      try Data("GIF89a and so on".utf8).write(to: file)
      let error = try #require(throws: ImageError.self) { try RGBImage(contentsOf: file) }
      #expect(error == .unknownFormat(file: file.path, found: Array("GIF89a a".utf8)))
      #expect("\(error)".contains(file.path) && "\(error)".contains("found 47 49 46 38 39 61 20 61"))
      try Data().write(to: file)
      #expect(throws: ImageError.unknownFormat(file: file.path, found: [])) { try RGBImage(contentsOf: file) }
      #expect(throws: ImageError.notPNG(file: "in memory", found: [1, 2])) { try RGBImage(png: [1, 2]) }
    }
  }

  @Test func namesAMissingFile() throws {
    let missing = pngFixture("no-such-file")
    let error = try #require(throws: ImageError.self) { try RGBImage(contentsOf: missing) }
    #expect(error == .unreadable(file: missing.path, reason: "No such file or directory"))
  }

  /// Cut after every byte count: inside the signature it is no PNG file, later it is a damaged one, even where the pixels are whole.
  @Test func refusesEveryTruncation() throws {
    let whole = [UInt8](try Data(contentsOf: pngFixture("rgb16-3x3")))
    for count in 0..<whole.count {
      let error = try #require(throws: ImageError.self) { try RGBImage(png: Array(whole[..<count])) }
      switch error {
      case .notPNG: #expect(count < 8)
      case .corrupt: #expect(count >= 8)
      default: Issue.record("cut to \(count) bytes: \(error)")
      }
    }
  }

  /// One flipped bit anywhere is found, by the signature or a checksum.
  @Test func refusesEveryDamagedByte() throws {
    let whole = [UInt8](try Data(contentsOf: pngFixture("palette4-7x5")))
    for index in whole.indices {
      var damaged = whole
      damaged[index] ^= 0x10
      #expect(throws: ImageError.self, "byte \(index)") { try RGBImage(png: damaged) }
    }
  }

  /// Whole, with right checksums, but with fewer rows than its header tells.
  @Test func refusesMissingRows() throws {
    let whole = [UInt8](try Data(contentsOf: pngFixture("rgb16-3x3")))
    let error = try #require(throws: ImageError.self) { try RGBImage(png: whole.withHeader(width: 3, height: 4)) }
    guard case .corrupt = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test(arguments: [(8193, 8192), (1_000_000, 1_000_000), (UInt32.max, UInt32.max)] as [(UInt32, UInt32)])
  func refusesForgedSizes(width: UInt32, height: UInt32) throws {
    let forged = [UInt8](try Data(contentsOf: pngFixture("rgb16-3x3"))).withHeader(width: width, height: height)
    let size = ImageSize(width: Int(width), height: Int(height))
    #expect(throws: ImageError.tooLarge(file: "in memory", found: size, maximumPixels: 64 << 20)) { try RGBImage(png: forged) }
  }

  /// Within the limit of pixels, but more than so small a file can hold.
  @Test func refusesMorePixelsThanTheFileCanHold() throws {
    let forged = [UInt8](try Data(contentsOf: pngFixture("rgb16-3x3"))).withHeader(width: 8000, height: 8000)
    #expect {
      try RGBImage(png: forged)
    } throws: { error in
      guard case ImageError.corrupt(_, let reason) = error else { return false }
      return reason.hasPrefix("expected 8000×8000 compressed pixels, found")
    }
  }

  /// What compresses best must not be taken for such a file.
  @Test func readsTheDensestPixels() throws {
    let image = RGBImage(width: 3001, height: 1999, filledWith: .black)
    let png = try image.pngBytes()
    #expect(image.pixels.count / png.count > 900)
    #expect(try RGBImage(png: png) == image)
  }

  @Test func keepsToTheGivenLimit() throws {
    let file = pngFixture("rgb16-3x3")
    #expect(try RGBImage(contentsOf: file, maximumPixels: 9).size == ImageSize(width: 3, height: 3))
    let size = ImageSize(width: 3, height: 3)
    #expect(throws: ImageError.tooLarge(file: file.path, found: size, maximumPixels: 8)) {
      try RGBImage(contentsOf: file, maximumPixels: 8)
    }
  }

  @Test func refusesAnotherSizeThanExpected() throws {
    let file = pngFixture("grey8-5x7")
    let (expected, found) = (ImageSize(width: 7, height: 5), ImageSize(width: 5, height: 7))
    #expect(try RGBImage(contentsOf: file, expecting: found).size == found)
    let error = try #require(throws: ImageError.self) { try RGBImage(contentsOf: file, expecting: expected) }
    #expect(error == .wrongSize(file: file.path, expected: expected, found: found))
    #expect("\(error)" == "image \(file.path) has the wrong size: expected 7×5, found 5×7 pixels")
  }
}
