import Foundation
import TestSupport
import Testing
import VQDiffusion

@Suite struct InpaintTests {
  private static let small = ["inpaint", "--model", "model", "--image", "picture.png", "--steps", "4"]
  private static let masked = small + ["--mask", "mask.png"]

  /// Where two pictures differ among the known pixels, and in the hole.
  private func differences(_ a: RGBImage, _ b: RGBImage) -> (known: Int, hole: Int) {
    var (known, hole) = (0, 0)
    for y in 0..<8 {
      for x in 0..<8 where a[x, y] != b[x, y] {
        if EditFolder.isRepainted(x, y) { hole += 1 } else { known += 1 }
      }
    }
    return (known, hole)
  }

  @Test(arguments: SamplingMethod.all.map(\.name)) func knownPixelsComeBackBitForBit(sampler: String) throws {
    try withEditFolder { folder in
      let options = ["--sampler", sampler, "--count", "2", "--seed", "5"]
      try succeed(Self.masked + options + ["-o", "%d.png"], in: folder.url)
      try succeed(Self.masked + options + ["--no-composite", "-o", "plain-%d.png"], in: folder.url)
      let (a, b) = (try folder.image("0.png"), try folder.image("1.png"))
      #expect(differences(a, folder.picture).known == 0 && differences(b, folder.picture).known == 0)
      #expect(differences(a, folder.picture).hole > 0 && differences(a, b).hole > 0)
      let plain = try folder.image("plain-0.png")
      #expect(differences(a, plain).hole == 0 && differences(a, plain).known > 0)
    }
  }

  @Test func theFeatherBlendsWithinTheHole() throws {
    try withEditFolder { folder in
      try succeed(Self.masked + ["--seed", "5", "--no-composite", "-o", "plain.png"], in: folder.url)
      try succeed(Self.masked + ["--seed", "5", "--feather", "2", "-o", "soft.png"], in: folder.url)
      let repainting = try Repainting(folder.picture, mask: RepaintMask(folder.mask), feather: 2)
      #expect(try folder.image("soft.png") == repainting.composited(folder.image("plain.png")))
      #expect(try folder.record("soft.png")?.edit == .init(image: "picture.png", mask: "mask.png", composite: true, feather: 2))
      #expect(try folder.record("plain.png")?.edit == .init(image: "picture.png", mask: "mask.png", composite: false))
    }
  }

  @Test(arguments: [(-3, 2), (0, -5), (7, 0)]) func anOffsetContinuesThePicture(x: Int, y: Int) throws {
    try withEditFolder { folder in
      let run = try vqdiff(Self.small + ["--offset", "\(x),\(y)", "--seed", "5", "-o", "x.png"], in: folder.url)
      // Moved by 7 of 8 pixels the picture touches the last column alone, of which each token has another pixel.
      let note = "--offset 7,0: every token has a repainted pixel; the model is told nothing of the picture"
      #expect(run.status == 0 && run.errorLines == (x == 7 ? [note] : []))
      let image = try folder.image("x.png")
      for row in 0..<8 where (0..<8).contains(row - y) {
        for column in 0..<8 where (0..<8).contains(column - x) {
          #expect(image[column, row] == folder.picture[column - x, row - y])
        }
      }
      #expect(try folder.record("x.png")?.edit == .init(image: "picture.png", offset: "\(x),\(y)", composite: true, feather: 0))
    }
  }

  @Test func theSameSeedGivesTheSamePictureInAnyBatch() throws {
    try withEditFolder { folder in
      for (name, options) in [("a", ["--batch-size", "1"]), ("b", ["--batch-size", "2", "--threads", "1"]), ("c", [])] {
        try succeed(Self.masked + options + ["--count", "3", "--seed", "9", "-o", "\(name)-%d.png"], in: folder.url)
        for index in 0..<3 { #expect(try folder.bytes("\(name)-\(index).png") == folder.bytes("a-\(index).png")) }
      }
      try succeed(Self.masked + ["--seed", "11", "-o", "again.png"], in: folder.url)
      #expect(try folder.bytes("again.png") == folder.bytes("a-2.png"))
      #expect(try folder.bytes("a-0.png") != folder.bytes("a-1.png"))
    }
  }

  @Test func theBuiltInModelTakesAClass() throws {
    try withEditFolder { folder in
      let mask = maskPicture(width: 32, height: 32) { x, y in (9..<21).contains(x) && y > 13 }
      try mask.write(to: folder.url.appendingPathComponent("hole.png"))
      try succeed(
        ["inpaint", "-i", "large.png", "--mask", "hole.png", "--class", "dog", "--steps", "2", "--seed", "5", "-o", "x.png"],
        in: folder.url)
      let image = try folder.image("x.png")
      for y in 0..<32 {
        for x in 0..<32 where mask[x, y] == .black { #expect(image[x, y] == folder.large[x, y]) }
      }
      #expect(image != folder.large)
      let record = try #require(try folder.record("x.png"))
      #expect(record.className == "dog" && record.edit?.image == "large.png" && record.edit?.mask == "hole.png")
      #expect(
        record.parameters.hasPrefix("dog\nSteps: 2, ") && record.parameters.contains(", Image: large.png, Mask: hole.png, "))
    }
  }

  /// Without a known pixel it is plain generation; the same draws give the same image.
  @Test func aMaskOverEverythingIsPlainGeneration() throws {
    try withEditFolder { folder in
      try maskPicture(width: 8, height: 8) { _, _ in true }.write(to: folder.url.appendingPathComponent("mask.png"))
      let run = try vqdiff(Self.masked + ["--seed", "5", "-o", "x.png"], in: folder.url)
      #expect(run.status == 0 && run.errors == "mask.png: everything is repainted; nothing of the picture is known\n")
      try succeed(["generate", "--model", "model", "--steps", "4", "--seed", "5", "-o", "y.png"], in: folder.url)
      #expect(try folder.image("x.png") == folder.image("y.png"))
      try succeed(Self.masked + ["--seed", "5", "-o", "z.png", "--quiet"], in: folder.url)
    }
  }

  @Test func aMaskOfGraysIsCutOffAndSaysSo() throws {
    try withEditFolder { folder in
      var mask = folder.mask
      mask[0, 0] = .init(127, 127, 127)
      mask[1, 6] = .init(128, 128, 128)
      try mask.write(to: folder.url.appendingPathComponent("mask.png"))
      let run = try vqdiff(Self.masked + ["--seed", "5", "-o", "x.png"], in: folder.url)
      let note = "mask.png: not only black and white; what has a luminance of 128 or more (of 255) is repainted\n"
      #expect(run.status == 0 && run.errors == note)
      let image = try folder.image("x.png")
      #expect(image[0, 0] == folder.picture[0, 0] && image[1, 6] != folder.picture[1, 6])
    }
  }
}
