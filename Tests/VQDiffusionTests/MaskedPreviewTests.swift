import Testing
import VQDiffusion
import VQVAE

@Suite struct MaskedPreviewTests {
  @Test(arguments: [(1, 1, 1), (2, 5, 3), (4, 1, 7), (3, 4, 2)])
  func coversThePixelsOfMaskedTokensAlone(pixels: Int, columns: Int, rows: Int) {
    let picture = patternImage(width: pixels * columns, height: pixels * rows)
    for color in [RGBImage.Color.gray, .init(1, 2, 3)] {
      let tokens = (0..<columns * rows).map { Int32($0 % 3 == 0 ? 9 : $0 % 9) }
      let covered = picture.coveringMasks(of: tokens, maskToken: 9, pixelsPerToken: pixels, with: color)
      for y in 0..<picture.height {
        for x in 0..<picture.width {
          let isMasked = tokens[y / pixels * columns + x / pixels] == 9
          #expect(covered[x, y] == (isMasked ? color : picture[x, y]))
        }
      }
    }
  }

  @Test func grayIs128() {
    let covered = RGBImage(width: 2, height: 1, filledWith: .black).coveringMasks(of: [5, 4], maskToken: 5, pixelsPerToken: 1)
    #expect(covered.pixels == [128, 128, 128, 0, 0, 0])
  }
}

/// With the built-in model: 8×8 tokens of 1024 codes, 4×4 pixels each.
@Suite struct CodecPreviewTests {
  private let codec: ImageCodec
  private let mask: Int32 = 1024
  private let length = 64

  init() throws { codec = try .builtIn() }

  private func codes(_ factor: Int) -> [Int32] { (0..<length).map { Int32(($0 * factor + 7) % 1024) } }

  @Test func masksShowThePredictionsAndAreCovered() throws {
    let (first, second) = (codes(37), codes(101))
    let current = [first.enumerated().map { $0 % 5 == 2 ? mask : $1 }, [Int32](repeating: mask, count: length), first]
    let predicted = [second, second, second]
    let merged = first.indices.map { $0 % 5 == 2 ? second[$0] : first[$0] }
    let expected = try codec.decode(ImageTokens(merged + second + first, layout: .grid(rows: 8, columns: 8)))
    #expect(try codec.previews(of: current, predicted: predicted, coversMasks: false) == expected)
    let covered = try codec.previews(of: current, predicted: predicted)
    #expect(covered[0] == expected[0].coveringMasks(of: current[0], maskToken: Int(mask), pixelsPerToken: 4))
    #expect(covered[0] != expected[0] && covered[2] == expected[2])
    #expect(covered[1] == RGBImage(width: 32, height: 32, filledWith: .gray))
  }

  @Test func noImagesGiveNoPreviews() throws {
    #expect(try codec.previews(of: [], predicted: []).isEmpty)
  }

  @Test func refusesTokensThatDoNotFit() throws {
    let good = codes(3)
    func message(_ current: [[Int32]], _ predicted: [[Int32]]) -> String {
      let error = #expect(throws: (any Error).self) { try codec.previews(of: current, predicted: predicted) }
      return "\(error as Any)"
    }
    #expect(message([good.dropLast()], [good]).contains("expected 64 tokens, found 63"))
    #expect(message([good], [good + [1]]).contains("expected 64 tokens, found 65"))
    #expect(message([[mask] + good.dropFirst()], [[mask] + good.dropFirst()]).contains("token 1024 is out of range"))
    #expect(message([[-1] + good.dropFirst()], [good]).contains("token -1 is out of range"))
  }
}
