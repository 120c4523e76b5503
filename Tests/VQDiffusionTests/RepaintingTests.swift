import Foundation
import TestSupport
import Testing
import VQDiffusion

/// Reproducible noise.
private struct Noise {
  var state: UInt64

  mutating func byte() -> UInt8 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return UInt8(state >> 56)
  }

  mutating func image(width: Int, height: Int) -> RGBImage {
    RGBImage(width: width, height: height, pixels: (0..<width * height * 3).map { _ in byte() })
  }

  /// About one pixel of `rarity` is known, at least one, and the first is not.
  mutating func mask(width: Int, height: Int, rarity: UInt8) throws -> RepaintMask {
    var isKnown = (0..<width * height).map { _ in byte() % rarity == 0 }
    isKnown[0] = false
    isKnown[width * height - 1] = true
    return try repaintMask(width: width, height: height) { !isKnown[$1 * width + $0] }
  }
}

/// A picture with the hole's pixels of another.
private func replacingHole(of picture: RGBImage, with other: RGBImage, mask: RepaintMask) -> RGBImage {
  let pixels = picture.pixels.indices.map { mask.isRepainted[$0 / 3] ? other.pixels[$0] : picture.pixels[$0] }
  return RGBImage(width: picture.width, height: picture.height, pixels: pixels)
}

@Suite struct HoleFillingTests {
  private func gray(_ values: [UInt8], width: Int) -> RGBImage {
    RGBImage(width: width, height: values.count / width, pixels: values.flatMap { [$0, $0, $0] })
  }

  /// Of a gray picture; 255 marks the hole, so a filling that reads it shows.
  private func filled(_ values: [UInt8], width: Int) throws -> [UInt8] {
    let mask = try repaintMask(width: width, height: values.count / width) { values[$1 * width + $0] == 255 }
    let pixels = try Repainting(gray(values, width: width), mask: mask).filled.pixels
    return stride(from: 0, to: pixels.count, by: 3).map { pixels[$0] }
  }

  @Test func meansGoInwardsRingByRing() throws {
    #expect(try filled([10, 255, 255, 255, 40], width: 5) == [10, 10, 25, 40, 40])
    #expect(try filled([255, 255, 7, 255], width: 1) == [7, 7, 7, 7])
    #expect(try filled([1, 2, 3, 4, 255, 5, 6, 7, 9], width: 3) == [1, 2, 3, 4, 5, 5, 6, 7, 9])
    // Ring 1 has 65 and 15 on the sides and 38 in the middle; the corner, ring 2, has (65 + 15 + 38) / 3.
    #expect(try filled([255, 255, 90, 255, 255, 40, 10, 20, 30], width: 3) == [39, 65, 90, 15, 38, 40, 10, 20, 30])
  }

  @Test func whatWasInTheHoleDoesNotMatter() throws {
    var noise = Noise(state: 3)
    for (width, height, rarity) in [(1, 9, 3), (13, 1, 3), (17, 11, 2), (17, 11, 40), (32, 32, 5)] {
      let mask = try noise.mask(width: width, height: height, rarity: UInt8(rarity))
      let picture = noise.image(width: width, height: height)
      let other = replacingHole(of: picture, with: noise.image(width: width, height: height), mask: mask)
      #expect(other != picture)
      let filled = try Repainting(picture, mask: mask).filled
      #expect(try Repainting(other, mask: mask).filled == filled)
      #expect(replacingHole(of: filled, with: picture, mask: mask) == picture, "known pixels changed")
    }
  }

  @Test func nothingKnownBecomesGray() throws {
    let mask = try repaintMask(width: 5, height: 3) { _, _ in true }
    #expect(
      try Repainting(patternImage(width: 5, height: 3), mask: mask).filled
        == RGBImage(width: 5, height: 3, filledWith: .gray))
  }
}

@Suite struct CompositingTests {
  @Test(arguments: [0, 1, 4, 19]) func knownPixelsComeBackExactly(feather: Int) throws {
    var noise = Noise(state: 11)
    for rarity: UInt8 in [2, 9, 60] {
      let mask = try noise.mask(width: 19, height: 13, rarity: rarity)
      let (picture, generated) = (noise.image(width: 19, height: 13), noise.image(width: 19, height: 13))
      let repainting = try Repainting(picture, mask: mask, feather: feather)
      let result = repainting.composited(generated)
      #expect(replacingHole(of: result, with: picture, mask: mask) == picture)
      if feather == 0 { #expect(result == replacingHole(of: picture, with: generated, mask: mask)) }
    }
  }

  /// Black around a hole into which white is put: the result is the weight itself, at the distance of the nearest known pixel.
  @Test(arguments: [0, 1, 2, 3, 7, 17]) func weightsGrowWithTheDistance(feather: Int) throws {
    var noise = Noise(state: 29)
    let (width, height) = (17, 14)
    for rarity: UInt8 in [30, 100] {
      let mask = try noise.mask(width: width, height: height, rarity: rarity)
      let black = RGBImage(width: width, height: height, filledWith: .black)
      let white = RGBImage(width: width, height: height, filledWith: .white)
      let result = try Repainting(black, mask: mask, feather: feather).composited(white)
      let known = mask.isRepainted.indices.filter { !mask.isRepainted[$0] }
      for place in 0..<width * height {
        let distance = known.map { max(abs($0 % width - place % width), abs($0 / width - place / width)) }.min() ?? 0
        let weight = min(1, Double(distance) / Double(feather + 1))
        let expected = UInt8((255 * weight).rounded())
        #expect(result[place % width, place / width] == .init(expected, expected, expected))
      }
    }
  }

  @Test func nothingKnownIsPlainGeneration() throws {
    var noise = Noise(state: 1)
    let (picture, generated) = (noise.image(width: 7, height: 5), noise.image(width: 7, height: 5))
    let mask = try repaintMask(width: 7, height: 5) { _, _ in true }
    #expect(try Repainting(picture, mask: mask, feather: 3).composited(generated) == generated)
  }

  @Test func featherHasItsRange() throws {
    let picture = patternImage(width: 6, height: 4)
    let mask = try repaintMask(width: 6, height: 4) { x, _ in x == 0 }
    for feather in [-1, 7, .max, .min] {
      #expect(throws: PipelineError.invalidOption(name: "feather", expected: "0…6 pixels", found: "\(feather)")) {
        try Repainting(picture, mask: mask, feather: feather)
      }
    }
    #expect(try Repainting(picture, mask: mask, feather: 6).feather == 6)
  }

  @Test func refusesAMaskOfAnotherSize() throws {
    let mask = try repaintMask(width: 4, height: 6) { x, _ in x == 0 }
    let expected = ImageError.wrongSize(
      file: "mask", expected: ImageSize(width: 6, height: 4), found: ImageSize(width: 4, height: 6))
    #expect(throws: expected) { try Repainting(patternImage(width: 6, height: 4), mask: mask) }
  }
}

/// With the built-in model's encoder: 32×32 pixels, 8×8 tokens of 4×4.
@Suite struct KnownTokenTests {
  private let codec: ImageCodec

  init() throws { codec = try .builtIn() }

  @Test func knownTokensHaveNoRepaintedPixel() throws {
    var noise = Noise(state: 5)
    let picture = noise.image(width: 32, height: 32)
    let mask = try repaintMask(width: 32, height: 32) { x, y in (9..<17).contains(x) && (20..<22).contains(y) }
    let repainting = try Repainting(picture, mask: mask)
    let known = try repainting.knownTokens(by: codec)
    let codes = try codec.encode([repainting.filled]).tokens
    for token in 0..<64 {
      let isUnknown = (2...4).contains(token % 8) && token / 8 == 5
      #expect(known[token] == (isUnknown ? nil : codes[token]))
    }
  }

  @Test func whatWasInTheHoleDoesNotReachThem() throws {
    var noise = Noise(state: 6)
    let picture = noise.image(width: 32, height: 32)
    let mask = try repaintMask(width: 32, height: 32) { x, y in x + y < 30 }
    let other = replacingHole(of: picture, with: noise.image(width: 32, height: 32), mask: mask)
    let known = try Repainting(picture, mask: mask).knownTokens(by: codec)
    #expect(try Repainting(other, mask: mask).knownTokens(by: codec) == known)
    #expect(known.contains { $0 != nil } && known.contains(nil))
    // The check has teeth: without the filling the hole does reach them.
    let (a, b) = (try codec.encode([picture]).tokens, try codec.encode([other]).tokens)
    #expect(known.indices.contains { known[$0] != nil && a[$0] != b[$0] })
  }

  @Test func outpaintingKnowsThePictureThatIsLeft() throws {
    var noise = Noise(state: 7)
    let picture = noise.image(width: 32, height: 32)
    let repainting = try Repainting(picture, movedBy: PixelOffset(x: -12, y: 5), feather: 2)
    let known = try repainting.knownTokens(by: codec)
    // Columns 0…19 and rows 5…31 are covered: the second row of tokens has one uncovered row of pixels, which is enough.
    for token in 0..<64 { #expect((known[token] != nil) == (token % 8 < 5 && token / 8 >= 2)) }
    let result = repainting.composited(RGBImage(width: 32, height: 32, filledWith: .white))
    for y in 5..<32 {
      for x in 0..<20 { #expect(result[x, y] == picture[x + 12, y - 5]) }
    }
    #expect(result[31, 31] == .white && result[0, 0] == .white && result[20, 31] != .white)
  }

  @Test func aMaskOverEveryTokenLeavesNothingKnown() throws {
    let mask = try repaintMask(width: 32, height: 32) { x, y in x % 4 == 1 && y % 4 == 2 }
    #expect(!mask.coversEverything)
    let known = try Repainting(patternImage(width: 32, height: 32), mask: mask).knownTokens(by: codec)
    #expect(known == [Int32?](repeating: nil, count: 64))
  }

  @Test func refusesPicturesOfAnotherSizeThanTheModels() throws {
    let mask = try repaintMask(width: 36, height: 32) { x, _ in x == 0 }
    let repainting = try Repainting(patternImage(width: 36, height: 32), mask: mask)
    let error = #expect(throws: (any Error).self) { try repainting.knownTokens(by: codec) }
    #expect("\(error as Any)".contains("expected 32×32 pixels, found 36×32"))
  }

  @Test func readsPictureAndMaskByName() throws {
    try withTemporaryFolder { folder in
      let (file, maskFile) = (folder.appendingPathComponent("a.png"), folder.appendingPathComponent("mask.png"))
      let picture = patternImage(width: 32, height: 32)
      let (wanted, found) = (ImageSize(width: 32, height: 32), ImageSize(width: 31, height: 32))
      try picture.write(to: file)
      try RGBImage(width: 31, height: 32, filledWith: .white).write(to: maskFile)
      #expect(throws: ImageError.wrongSize(file: maskFile.path, expected: wanted, found: found)) {
        try Repainting(contentsOf: file, maskAt: maskFile, for: codec)
      }
      let offset = PixelOffset(x: 0, y: 9)
      #expect(throws: ImageError.wrongSize(file: maskFile.path, expected: wanted, found: found)) {
        try Repainting(contentsOf: maskFile, movedBy: offset, for: codec)
      }
      try RGBImage(width: 32, height: 32, filledWith: .white).write(to: maskFile)
      let repainting = try Repainting(contentsOf: file, maskAt: maskFile, feather: 3, for: codec)
      #expect(repainting.picture == picture && repainting.mask.coversEverything && repainting.feather == 3)
      #expect(try Repainting(contentsOf: file, movedBy: offset, for: codec).picture == picture.moved(by: offset))
    }
  }
}
