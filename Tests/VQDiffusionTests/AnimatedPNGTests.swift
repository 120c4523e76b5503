import Foundation
import TestSupport
import Testing
import VQDiffusion

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
    let chunks = try PNGChunks(AnimatedPNG(images, milliseconds: 40, last: 900).pngBytes())
    #expect(chunks["fcTL"].count == count && chunks["fdAT"].count >= count)
    #expect(try chunks.framePNGs().map { try RGBImage(png: $0) } == images)
  }

  @Test func controlsAreTheStandards() throws {
    let images = frames(3)
    let frames = zip(images, [0, 70, 65535] as [UInt16]).map { AnimatedPNG.Frame($0, milliseconds: $1) }
    let chunks = try PNGChunks(AnimatedPNG(frames, plays: 258).pngBytes())
    #expect(chunks["acTL"].map(\.body) == [PNGChunks.bigEndian(3) + PNGChunks.bigEndian(258)])
    let delays: [[UInt8]] = [[0, 0], [0, 70], [255, 255]]
    let fixed = PNGChunks.bigEndian(7) + PNGChunks.bigEndian(5) + PNGChunks.bigEndian(0) + PNGChunks.bigEndian(0)
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
    #expect(try PNGChunks(animation.pngBytes())["acTL"].map(\.body) == [PNGChunks.bigEndian(4) + PNGChunks.bigEndian(0)])
  }

  /// This library's reader, as others without APNG, sees an ordinary PNG file of the last frame.
  @Test func othersSeeTheLastFrame() throws {
    let images = frames(3)
    #expect(try RGBImage(png: AnimatedPNG(images, milliseconds: 50, last: 50).pngBytes()) == images[2])
    let other = patternImage(width: 7, height: 5)
    let animation = AnimatedPNG(images.map { AnimatedPNG.Frame($0, milliseconds: 50) }, still: other)
    #expect(try RGBImage(png: animation.pngBytes()) == other)
    #expect(try PNGChunks(animation.pngBytes())["fcTL"].count == 3)
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
