import Foundation
import Images

/// PNG files: chunks with right checksums, of which some are changed, and pixels that fit the header or don't.
struct PNGFuzzing: FuzzTarget {
  let name = "png"

  /// What the reader is told to take, so that an image's own pixels stay within the memory that is allowed.
  private static let mostPixels = 1 << 22
  private static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

  private struct Chunk {
    var type: [UInt8]
    var body: [UInt8]
  }

  private let seeds: [[Chunk]]
  private let bytes = ByteMutation(words: ["IHDR", "IDAT", "IEND", "PLTE", "tRNS", "tEXt", "iTXt", "sRGB", "\0", "\0\0\0"])

  init() throws { seeds = try seedFiles(in: "png", ofType: "png").map(Self.chunks) }

  func mutant(_ random: inout FuzzRandom) -> [UInt8] {
    var chunks = random.once(in: 3) ? generated(&random) : random.pick(seeds)
    for _ in 0...random.below(3) { change(&chunks, &random) }
    var file = Self.signature
    for chunk in chunks {
      var code = checksum(chunk.type + chunk.body)
      if random.once(in: 64) { code ^= 1 }
      let length = random.once(in: 64) ? UInt32(truncatingIfNeeded: random.awkwardInteger()) : UInt32(chunk.body.count)
      file += bigEndianBytes(length) + chunk.type + chunk.body + bigEndianBytes(code)
    }
    if random.once(in: 16) { bytes.apply(to: &file, &random) }
    return file
  }

  func read(_ bytes: [UInt8], at url: URL) -> FuzzOutcome {
    _ = try? PNGText.textChunks(ofFileAt: url)
    do throws(ImageError) {
      let image = try RGBImage(contentsOf: url, maximumPixels: Self.mostPixels)
      precondition(image.width * image.height <= Self.mostPixels, "more pixels than the limit")
      return .accepted
    } catch {
      return FuzzOutcome(error, isPastFirstCheck: hasHeader(bytes))
    }
  }

  /// A reader that takes no pixel refuses a file for its size as soon as the chunks are in order.
  private func hasHeader(_ bytes: [UInt8]) -> Bool {
    if case .tooLarge? = imageError(of: { () throws(ImageError) in try RGBImage(png: bytes, maximumPixels: 0) }) { return true }
    return false
  }

  private static func chunks(of png: [UInt8]) -> [Chunk] {
    var chunks: [Chunk] = []
    var position = signature.count
    while position + 12 <= png.count {
      let count = png[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      let body = position + 8
      chunks.append(Chunk(type: Array(png[position + 4..<body]), body: Array(png[body..<body + count])))
      position = body + count + 4
    }
    return chunks
  }

  private func change(_ chunks: inout [Chunk], _ random: inout FuzzRandom) {
    guard !chunks.isEmpty else { return }
    let index = random.below(chunks.count)
    switch random.below(8) {
    case 0, 1: if chunks[0].body.count == 13 { Self.changeHeader(&chunks[0].body, &random) }
    case 2, 3: bytes.apply(to: &chunks[index].body, &random)
    case 4: rearrange(&chunks, most: 256, &random)
    case 5, 6: chunks.insert(Self.extra(&random), at: random.once(in: 4) ? random.place(in: chunks.count) : 1)
    default: chunks[index].type[random.below(chunks[index].type.count)] ^= 1 << UInt8(random.below(8))
    }
  }

  private static func changeHeader(_ body: inout [UInt8], _ random: inout FuzzRandom) {
    if random.once(in: 2) {
      let side = UInt32(truncatingIfNeeded: random.once(in: 2) ? UInt64(random.below(3000)) : random.awkwardInteger())
      body.replaceSubrange(random.once(in: 2) ? 0..<4 : 4..<8, with: bigEndianBytes(side))
    } else {
      let field = 8 + random.below(5)
      body[field] = field == 8 ? random.pick([1, 2, 4, 8, 16, 0, 3, 32]) : UInt8(random.below(8))
    }
  }

  /// A chunk of a kind that a reader knows, with right or random contents.
  private static func extra(_ random: inout FuzzRandom) -> Chunk {
    let (type, body): (String, [UInt8]) = random.pick([
      ("PLTE", random.bytes(3 * random.below(300))), ("tRNS", random.bytes(random.pick([1, 2, 6, 256, 300]))),
      ("gAMA", bigEndianBytes(UInt32(truncatingIfNeeded: random.awkwardInteger()))), ("sRGB", [UInt8(random.below(5))]),
      ("cHRM", random.bytes(32)), ("sBIT", random.bytes(1 + random.below(4))), ("bKGD", random.bytes(random.pick([1, 2, 6]))),
      ("iCCP", Array("profile".utf8) + [0, 0] + zlibStream(random.bytes(random.below(300)))),
      ("tEXt", Array("Software".utf8) + [0] + random.bytes(random.below(40))),
      ("zTXt", Array("Comment".utf8) + [0, 0] + zlibStream([UInt8](repeating: 65, count: random.below(4000)))),
      ("iTXt", Array("Title".utf8) + [0, UInt8(random.below(2)), 0, 0, 0] + random.bytes(random.below(40))),
      ("hIST", random.bytes(2 * random.below(300))), ("pHYs", random.bytes(9)), ("tIME", random.bytes(7)),
      ("acTL", random.bytes(8)), ("fcTL", random.bytes(26)), ("fdAT", random.bytes(20)), ("eXIf", random.bytes(16)),
      ("sPLT", Array("palette".utf8) + [0, 8] + random.bytes(12)), ("IHDR", random.bytes(13)), ("IEND", []),
    ])
    return Chunk(type: Array(type.utf8), body: body)
  }

  /// An image of any kind, its rows with random filters; they fill the image or nearly so.
  private func generated(_ random: inout FuzzRandom) -> [Chunk] {
    let (width, height) = (1 + random.below(40), 1 + random.below(40))
    let (colours, channels) = random.pick([(0, 1), (2, 3), (3, 1), (4, 2), (6, 4)])
    let depth = random.pick([1, 2, 4, 8, 16])
    let rowCount = (width * channels * depth + 7) / 8
    var raw: [UInt8] = []
    for _ in 0..<height {
      raw.append(UInt8(random.once(in: 64) ? random.below(256) : random.below(5)))
      raw += random.bytes(rowCount)
    }
    if random.once(in: 4) { raw.removeLast(random.below(raw.count)) }
    if random.once(in: 8) { raw += random.bytes(random.below(2000)) }
    let header = bigEndianBytes(UInt32(width)) + bigEndianBytes(UInt32(height))
    var stream = zlibStream(raw)
    if random.once(in: 8) { bytes.apply(to: &stream, &random) }
    var chunks = [Chunk(type: Array("IHDR".utf8), body: header + [UInt8(depth), UInt8(colours), 0, 0, UInt8(random.below(2))])]
    if colours == 3 { chunks.append(Chunk(type: Array("PLTE".utf8), body: random.bytes(3 * (1 + random.below(256))))) }
    let split = random.once(in: 2) ? random.below(stream.count) : 0
    for part in [stream[..<split], stream[split...]] { chunks.append(Chunk(type: Array("IDAT".utf8), body: Array(part))) }
    return chunks + [Chunk(type: Array("IEND".utf8), body: [])]
  }
}

/// `contents` in the format of zlib (RFC 1950), not compressed.
func zlibStream(_ contents: [UInt8]) -> [UInt8] {
  var stream: [UInt8] = [0x78, 0x01]
  var position = 0
  repeat {
    let count = min(contents.count - position, 0xffff)
    let isLast = position + count == contents.count
    stream += [isLast ? 1 : 0] + littleEndianBytes(UInt16(count)) + littleEndianBytes(~UInt16(count))
    stream += contents[position..<position + count]
    position += count
  } while position < contents.count
  var (low, high): (UInt32, UInt32) = (1, 0)
  for byte in contents {
    low = (low + UInt32(byte)) % 65521
    high = (high + low) % 65521
  }
  return stream + bigEndianBytes(high << 16 | low)
}

func imageError<Value>(of body: () throws(ImageError) -> Value) -> ImageError? {
  do throws(ImageError) {
    _ = try body()
    return nil
  } catch {
    return error
  }
}
