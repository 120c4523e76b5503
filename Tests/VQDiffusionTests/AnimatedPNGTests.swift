import CPNG
import Foundation
import TestSupport
import Testing
import VQDiffusion

/// A PNG file's chunks, taken apart without the library's help.
private struct Chunks {
  struct Chunk {
    let type: String
    let body: [UInt8]
    /// With length, type and checksum.
    let bytes: [UInt8]

    var sequence: Int { Chunks.number(body[0..<4]) }
  }

  let all: [Chunk]

  init(_ png: [UInt8]) throws {
    var chunks: [Chunk] = []
    var start = 8
    while start < png.count {
      let end = start + 12 + Chunks.number(png[start..<start + 4])
      try #require(end <= png.count)
      let crc = Int(crc32_z(0, Array(png[start + 4..<end - 4]), end - start - 8))
      #expect(crc == Chunks.number(png[end - 4..<end]))
      chunks.append(
        Chunk(
          type: String(decoding: png[start + 4..<start + 8], as: UTF8.self), body: Array(png[start + 8..<end - 4]),
          bytes: Array(png[start..<end])))
      start = end
    }
    all = chunks
  }

  subscript(type: String) -> [Chunk] { all.filter { $0.type == type } }

  static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
}

private func bigEndian(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }

private func chunk(_ type: String, _ body: [UInt8]) -> [UInt8] {
  let content = Array(type.utf8) + body
  return bigEndian(body.count) + content + bigEndian(Int(crc32_z(0, content, content.count)))
}

@Suite struct AnimatedPNGTests {
  /// Noise, so that frames differ in size and don't compress.
  private func frames(_ count: Int, width: Int = 7, height: Int = 5) -> [RGBImage] {
    var state: UInt64 = 77
    return (0..<count).map { _ in
      let pixels = (0..<width * height * 3).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(state >> 56)
      }
      return RGBImage(width: width, height: height, pixels: pixels)
    }
  }

  @Test(arguments: [(1, 1, 1), (2, 1, 17), (3, 7, 5), (4, 301, 207)])
  func everyFrameCanBeTakenOutAgain(count: Int, width: Int, height: Int) throws {
    let images = frames(count, width: width, height: height)
    let chunks = try Chunks(AnimatedPNG(images, milliseconds: 40, last: 900).pngBytes())
    let still = try #require(chunks["IHDR"].first)
    // From one fcTL to the next: the frame's pixels.
    let parts = chunks.all.split(omittingEmptySubsequences: false) { $0.type == "fcTL" }.dropFirst()
    #expect(parts.count == count)
    for (part, image) in zip(parts, images) {
      let pixels = part.filter { $0.type == "fdAT" }
      #expect(!pixels.isEmpty)
      let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      let png =
        signature + still.bytes + pixels.flatMap { chunk("IDAT", Array($0.body.dropFirst(4))) } + chunk("IEND", [])
      #expect(try RGBImage(png: png) == image)
    }
  }

  @Test func controlsAreTheStandards() throws {
    let images = frames(3)
    let frames = zip(images, [0, 70, 65535] as [UInt16]).map { AnimatedPNG.Frame($0, milliseconds: $1) }
    let chunks = try Chunks(AnimatedPNG(frames, plays: 258).pngBytes())
    #expect(chunks["acTL"].map(\.body) == [bigEndian(3) + bigEndian(258)])
    let delays: [[UInt8]] = [[0, 0], [0, 70], [255, 255]]
    let fixed = bigEndian(7) + bigEndian(5) + bigEndian(0) + bigEndian(0)
    #expect(chunks["fcTL"].map { Array($0.body.dropFirst(4)) } == delays.map { fixed + $0 + [3, 232, 0, 0] })
    let numbered = chunks.all.filter { $0.type == "fcTL" || $0.type == "fdAT" }
    #expect(numbered.map(\.sequence) == Array(0..<numbered.count) && numbered.count >= 6)
    #expect(numbered.first?.type == "fcTL" && numbered.last?.type == "fdAT")
    // acTL before the still picture, which isn't a frame, then the frames, then the end.
    let order = chunks.all.map(\.type).filter { ["IHDR", "acTL", "IDAT", "fcTL", "IEND"].contains($0) }
    let expected = ["IHDR", "acTL"] + chunks["IDAT"].map(\.type) + ["fcTL", "fcTL", "fcTL", "IEND"]
    #expect(order == expected && chunks.all.last?.type == "IEND")
  }

  @Test func playsWithoutEndAndRestsOnTheLastImage() throws {
    let animation = AnimatedPNG(frames(4), milliseconds: 60, last: 1500)
    #expect(animation.plays == 0 && animation.frames.map(\.milliseconds) == [60, 60, 60, 1500])
    #expect(AnimatedPNG(frames(1), milliseconds: 60, last: 1500).frames.map(\.milliseconds) == [1500])
    #expect(try Chunks(animation.pngBytes())["acTL"].map(\.body) == [bigEndian(4) + bigEndian(0)])
  }

  /// This library's reader, as others without APNG, sees an ordinary PNG file of the last frame.
  @Test func othersSeeTheLastFrame() throws {
    let images = frames(3)
    #expect(try RGBImage(png: AnimatedPNG(images, milliseconds: 50, last: 50).pngBytes()) == images[2])
    let other = patternImage(width: 7, height: 5)
    let animation = AnimatedPNG(images.map { AnimatedPNG.Frame($0, milliseconds: 50) }, still: other)
    #expect(try RGBImage(png: animation.pngBytes()) == other)
    #expect(try Chunks(animation.pngBytes())["fcTL"].count == 3)
  }

  @Test func keepsTexts() throws {
    let texts = [PNGText("parameters", "horse\nSeed: 7"), PNGText("vqdiffusion", #"{"class":"馬"}"#)]
    let animation = AnimatedPNG(frames(2), milliseconds: 50, last: 500)
    let bytes = try animation.pngBytes(text: texts)
    #expect(try PNGText.textChunks(of: bytes) == texts)
    #expect(try animation.pngBytes(text: texts) == bytes)
    #expect(try PNGText.textChunks(of: animation.pngBytes()).isEmpty)
    #expect(throws: ImageError.self) { try animation.pngBytes(text: [PNGText("", "x")]) }
  }

  @Test func writesAndReplacesAFile() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("a/steps.png")
      let animation = AnimatedPNG(frames(2), milliseconds: 50, last: 500)
      #expect(throws: ImageError.unwritable(file: file.path, reason: "No such file or directory")) {
        try animation.write(to: file)
      }
      try animation.write(to: file, creatingFolders: true)
      try animation.write(to: file, text: [PNGText("Seed", "7")])
      #expect(try [UInt8](Data(contentsOf: file)) == animation.pngBytes(text: [PNGText("Seed", "7")]))
      #expect(try entries(of: file.deletingLastPathComponent()) == ["steps.png"])
    }
  }
}
