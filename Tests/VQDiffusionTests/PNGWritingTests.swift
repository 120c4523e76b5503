import Foundation
import TestSupport
import Testing
import VQDiffusion

@Suite struct PNGWritingTests {
  @Test(arguments: [(1, 1), (1, 17), (31, 1), (7, 5), (64, 33), (257, 3)])
  func roundTrips(width: Int, height: Int) throws {
    let image = patternImage(width: width, height: height)
    let bytes = try image.pngBytes()
    #expect(try RGBImage(png: bytes) == image)
    #expect(try image.pngBytes() == bytes)
  }

  /// libpng's size bound has to hold for pixels that don't compress.
  @Test func roundTripsNoise() throws {
    var state: UInt64 = 5
    let noise = (0..<301 * 207 * 3).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(state >> 56)
    }
    let image = RGBImage(width: 301, height: 207, pixels: noise)
    #expect(try image.pngBytes().count > noise.count)
    #expect(try RGBImage(png: image.pngBytes()) == image)
  }

  @Test func keepsTexts() throws {
    let texts = [
      PNGText("Software", "swift-vq-diffusion"), PNGText("Title", "Röhre, ½ ÿ\nzweite Zeile"), PNGText("Schlüssel", ""),
      PNGText("Description", "馬から船へ 🐎 – “horses”"), PNGText(String(repeating: "k", count: 79), "longest keyword"),
    ]
    let image = patternImage(width: 5, height: 3)
    let bytes = try image.pngBytes(text: texts)
    #expect(try PNGText.textChunks(of: bytes) == texts)
    #expect(try RGBImage(png: bytes) == image)
    #expect(try PNGText.textChunks(of: image.pngBytes()).isEmpty)
  }

  /// Latin-1 goes into tEXt, one byte a character; the rest into iTXt as UTF-8, uncompressed; both right after IHDR.
  @Test func choosesTheChunkByItsCharacters() throws {
    let image = patternImage(width: 2, height: 2)
    let plain = try image.pngBytes()
    let latin = try image.pngBytes(text: [PNGText("Title", "é")])
    #expect(latin[33..<48].elementsEqual([0, 0, 0, 7] + Array("tEXtTitle".utf8) + [0, 0xE9]))
    #expect(latin[..<33] == plain[..<33] && latin[52...].elementsEqual(plain[33...]))
    let other = try image.pngBytes(text: [PNGText("Title", "船")])
    #expect(other[33..<54].elementsEqual([0, 0, 0, 13] + Array("iTXtTitle".utf8) + [0, 0, 0, 0, 0] + Array("船".utf8)))
  }

  @Test func findsADamagedText() throws {
    var bytes = try patternImage(width: 2, height: 2).pngBytes(text: [PNGText("Seed", "1234")])
    bytes[try #require(bytes.position(of: "1234"))] ^= 1
    #expect(throws: ImageError.self) { try PNGText.textChunks(of: bytes) }
    #expect(throws: ImageError.self) { try RGBImage(png: bytes) }
  }

  @Test(arguments: [
    "", " Title", "Title ", "Two  spaces", "船", "line\nbreak", String(repeating: "k", count: 80), "no\u{A0}break",
  ])
  func refusesKeywords(keyword: String) throws {
    let error = try #require(throws: ImageError.self) {
      try patternImage(width: 1, height: 1).pngBytes(text: [PNGText(keyword, "x")])
    }
    guard case .invalidText(keyword, _) = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test func refusesNULInATextAndAKeyword() {
    let image = patternImage(width: 1, height: 1)
    #expect(throws: ImageError.self) { try image.pngBytes(text: [PNGText("Title", "a\0b")]) }
    #expect(throws: ImageError.self) { try image.pngBytes(text: [PNGText("Ti\0tle", "a")]) }
  }

  @Test func writesAndReplacesAFile() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("picture.png")
      try patternImage(width: 3, height: 3).write(to: file)
      let image = patternImage(width: 9, height: 4)
      try image.write(to: file, text: [PNGText("Seed", "7")])
      #expect(try RGBImage(contentsOf: file) == image)
      #expect(try PNGText.textChunks(ofFileAt: file) == [PNGText("Seed", "7")])
      #expect(try entries(of: folder) == ["picture.png"])
    }
  }

  @Test func createsFoldersWhereAsked() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("a/b/picture.png")
      let image = patternImage(width: 3, height: 2)
      let error = try #require(throws: ImageError.self) { try image.write(to: file) }
      #expect(error == .unwritable(file: file.path, reason: "No such file or directory"))
      #expect(try entries(of: folder).isEmpty)
      try image.write(to: file, creatingFolders: true)
      #expect(try RGBImage(contentsOf: file) == image)
    }
  }

  /// A folder stands where the file, or its parent, should go.
  @Test func leavesNothingBehindAfterAFailure() throws {
    try withTemporaryFolder { folder in
      let image = patternImage(width: 3, height: 2)
      let taken = folder.appendingPathComponent("taken.png")
      try FileManager.default.createDirectory(at: taken, withIntermediateDirectories: false)
      let file = folder.appendingPathComponent("file")
      try Data("kept".utf8).write(to: file)
      for target in [
        taken, file.appendingPathComponent("below.png"), folder.appendingPathComponent(String(repeating: "n", count: 300)),
      ] {
        let error = try #require(throws: ImageError.self) { try image.write(to: target, creatingFolders: true) }
        guard case .unwritable(target.path, _) = error else {
          Issue.record("\(error)")
          continue
        }
      }
      #expect(try entries(of: folder) == ["file", "taken.png"])
      #expect(try Data(contentsOf: file) == Data("kept".utf8))
    }
  }
}
