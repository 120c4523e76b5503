import Foundation
import TestSupport
import Testing
import VQDiffusion

@Suite struct JPEGReadingTests {
  private func fixture(_ name: String) -> URL { fixtures.appendingPathComponent("jpeg/\(name).jpg") }

  private func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: fixture(name))) }

  /// The formula of make.py.
  private func sample(_ x: Int, _ y: Int, _ channel: Int) -> Int { [7 * x + 20, 9 * y + 40, 220 - 4 * (x + y)][channel] }

  /// JPEG loses something: `tolerance` is what a second decoder, Pillow's, is off the formula.
  private func expectPixels(
    of name: String, width: Int, height: Int, within tolerance: Int, isGrey: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let image = try RGBImage(contentsOf: fixture(name))
    try #require(image.size == ImageSize(width: width, height: height), sourceLocation: sourceLocation)
    for y in 0..<height {
      for x in 0..<width {
        let color = image[x, y]
        for (channel, found) in [color.red, color.green, color.blue].enumerated() {
          let expected = sample(x, y, isGrey ? 0 : channel)
          #expect(abs(Int(found) - expected) <= tolerance, "(\(x), \(y)), channel \(channel)", sourceLocation: sourceLocation)
        }
      }
    }
  }

  @Test func readsColours() throws {
    try expectPixels(of: "rgb-444-17x9", width: 17, height: 9, within: 2)
  }

  @Test func readsProgressiveFilesWithHalvedColours() throws {
    try expectPixels(of: "rgb-420-progressive-21x13", width: 21, height: 13, within: 7)
  }

  @Test func readsGrey() throws {
    try expectPixels(of: "grey-11x7", width: 11, height: 7, within: 0, isGrey: true)
  }

  @Test func refusesCMYK() throws {
    let file = fixture("cmyk-8x8")
    let error = try #require(throws: ImageError.self) { try RGBImage(contentsOf: file) }
    #expect(error == .unsupportedColours(file: file.path, found: "CMYK"))
    #expect("\(error)" == "image \(file.path) can't be read: expected grey or RGB colours, found CMYK")
  }

  /// Cut after every byte count, the end marker's two bytes included.
  @Test(arguments: ["rgb-444-17x9", "rgb-420-progressive-21x13", "grey-11x7"]) func refusesEveryTruncation(name: String) throws {
    let whole = try bytes(name)
    // What is cut off can't make a size wrong that would be right.
    let size = try RGBImage(jpeg: whole).size
    for count in 0..<whole.count {
      let error = try #require(throws: ImageError.self, "\(count) bytes") {
        try RGBImage(jpeg: Array(whole[..<count]), expecting: size)
      }
      guard case .corrupt(file: "in memory", _) = error else {
        Issue.record("cut to \(count) bytes: \(error)")
        continue
      }
    }
  }

  /// Whatever a damaged byte does, it neither ends the program nor gives an image of another size than the file says.
  @Test func survivesEveryDamagedByte() throws {
    let whole = try bytes("rgb-420-progressive-21x13")
    var refused = 0
    for index in whole.indices {
      var damaged = whole
      damaged[index] ^= 0x55
      do {
        let image = try RGBImage(jpeg: damaged, maximumPixels: 1 << 16)
        #expect(image.pixels.count == image.width * image.height * 3)
      } catch {
        refused += 1
      }
    }
    #expect(refused > whole.count / 4)
  }

  @Test func theContentTellsTheFormat() throws {
    try withTemporaryFolder { folder in
      let (png, jpeg) = (folder.appendingPathComponent("a.jpg"), folder.appendingPathComponent("b.png"))
      try FileManager.default.copyItem(at: pngFixture("grey8-5x7"), to: png)
      try FileManager.default.copyItem(at: fixture("grey-11x7"), to: jpeg)
      #expect(try RGBImage(contentsOf: png).size == ImageSize(width: 5, height: 7))
      #expect(try RGBImage(contentsOf: jpeg).size == ImageSize(width: 11, height: 7))
      #expect(try PNGText.textChunks(ofFileAt: jpeg) == [])
    }
  }

  @Test func keepsToTheGivenLimitAndSize() throws {
    let (file, size) = (fixture("rgb-444-17x9"), ImageSize(width: 17, height: 9))
    #expect(try RGBImage(contentsOf: file, expecting: size, maximumPixels: 153).size == size)
    #expect(throws: ImageError.tooLarge(file: file.path, found: size, maximumPixels: 152)) {
      try RGBImage(contentsOf: file, maximumPixels: 152)
    }
    let other = ImageSize(width: 9, height: 17)
    #expect(throws: ImageError.wrongSize(file: file.path, expected: other, found: size)) {
      try RGBImage(contentsOf: file, expecting: other)
    }
  }

  /// 65,500 × 65,500 pixels announced by a file of some hundred bytes.
  @Test func refusesForgedSizes() throws {
    var forged = try bytes("rgb-444-17x9")
    // The frame header: FF C0, length (2 bytes), precision, height, width.
    let frame = try #require((0..<forged.count - 1).first { forged[$0] == 0xFF && forged[$0 + 1] == 0xC0 })
    for place in [5, 7] { (forged[frame + place], forged[frame + place + 1]) = (0xFF, 0xDC) }
    let size = ImageSize(width: 65500, height: 65500)
    #expect(throws: ImageError.tooLarge(file: "in memory", found: size, maximumPixels: 64 << 20)) {
      try RGBImage(jpeg: forged)
    }
  }
}
