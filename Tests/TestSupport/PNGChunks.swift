import Foundation

/// A PNG file's chunks, taken apart without the library's help; of an APNG file the frames too.
package struct PNGChunks {
  package struct Chunk {
    package let type: String
    package let body: [UInt8]
    /// With length, type and checksum.
    package let bytes: [UInt8]

    /// Of an APNG chunk.
    package var sequence: Int { PNGChunks.number(body[0..<4]) }
  }

  package let all: [Chunk]

  /// - Throws: `JSONValue.Mismatch` for lengths or checksums that don't fit.
  package init(_ png: [UInt8]) throws {
    var chunks: [Chunk] = []
    var start = 8
    while start < png.count {
      guard start + 12 <= png.count else { throw JSONValue.Mismatch(description: "a chunk is cut short at byte \(start)") }
      let end = start + 12 + Self.number(png[start..<start + 4])
      guard end <= png.count, Self.checksum(png[start + 4..<end - 4]) == Self.number(png[end - 4..<end]) else {
        throw JSONValue.Mismatch(description: "the chunk at byte \(start) is damaged")
      }
      chunks.append(
        Chunk(
          type: String(decoding: png[start + 4..<start + 8], as: UTF8.self), body: Array(png[start + 8..<end - 4]),
          bytes: Array(png[start..<end])))
      start = end
    }
    all = chunks
  }

  package init(contentsOf url: URL) throws { try self.init([UInt8](Data(contentsOf: url))) }

  package subscript(type: String) -> [Chunk] { all.filter { $0.type == type } }

  /// Each frame as an ordinary PNG file: from one fcTL to the next, fdAT turned into IDAT.
  package func framePNGs() -> [[UInt8]] {
    let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    let header = self["IHDR"].flatMap(\.bytes)
    return all.split(omittingEmptySubsequences: false) { $0.type == "fcTL" }.dropFirst().map { part in
      let pixels = part.filter { $0.type == "fdAT" }.flatMap { Self.chunk("IDAT", Array($0.body.dropFirst(4))) }
      return signature + header + pixels + Self.chunk("IEND", [])
    }
  }

  package static func bigEndian(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }

  private static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

  private static func chunk(_ type: String, _ body: [UInt8]) -> [UInt8] {
    let content = Array(type.utf8) + body
    return bigEndian(body.count) + content + bigEndian(checksum(content[...]))
  }

  /// CRC-32 (ISO/IEC 15948, Annex D), bit by bit.
  private static func checksum(_ bytes: ArraySlice<UInt8>) -> Int {
    var register: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      register ^= UInt32(byte)
      for _ in 0..<8 { register = register & 1 == 1 ? 0xEDB8_8320 ^ (register >> 1) : register >> 1 }
    }
    return Int(~register)
  }
}
