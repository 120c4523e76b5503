import CPNG

/// The chunks of a PNG file (ISO/IEC 15948, section 5): a signature, then chunks of length, type, body and CRC-32 of type and body.
package struct PNGContainer {
  static let signature = ImageFormat.png.signature

  /// Signature and IHDR with its length, type and CRC: after it the first further chunk may stand.
  static let headerCount = signature.count + 4 + 4 + 13 + 4

  package struct Chunk {
    package let type: String
    package let body: ArraySlice<UInt8>
  }

  package let size: ImageSize
  package let chunks: [Chunk]

  /// Takes `bytes` apart up to IEND and verifies the CRC of each chunk: libpng alone would accept a file that ends after its pixels.
  ///
  /// - Throws: `notPNG`, `corrupt`.
  package init(_ bytes: [UInt8], file: String) throws(ImageError) {
    guard bytes.starts(with: Self.signature) else {
      throw .notPNG(file: file, found: Array(bytes.prefix(Self.signature.count)))
    }
    var chunks: [Chunk] = []
    var position = Self.signature.count
    while chunks.last?.type != "IEND" {
      let chunk = try Self.chunk(in: bytes, at: position, file: file)
      chunks.append(chunk)
      position = chunk.body.endIndex + 4
    }
    guard let header = chunks.first, header.type == "IHDR", header.body.count == 13 else {
      let found = chunks.first.map { "\($0.type) of \($0.body.count) bytes" } ?? "none"
      throw .corrupt(file: file, reason: "expected the first chunk to be IHDR of 13 bytes, found \(found)")
    }
    size = ImageSize(
      width: Int(Self.word(in: bytes, at: header.body.startIndex)),
      height: Int(Self.word(in: bytes, at: header.body.startIndex + 4)))
    self.chunks = chunks
  }

  /// Checks that the compressed pixels can be as many as the header announces, before memory is taken for them: deflate's densest code
  /// is 258 bytes in 2 bits (RFC 1951, 3.2.5), so a byte holds at most 1032. Interlacing only adds bytes.
  ///
  /// - Throws: `corrupt`.
  func checkPixelBytes(file: String) throws(ImageError) {
    let header = chunks[0].body
    let (depth, colours) = (header[header.startIndex + 8], header[header.startIndex + 9])
    let channels = [2: 3, 4: 2, 6: 4][colours, default: 1]
    let found = chunks.reduce(0) { $0 + ($1.type == "IDAT" ? $1.body.count : 0) }
    let (bits, isOverflow) = (size.width * size.height).multipliedReportingOverflow(by: channels * Int(depth))
    guard !isOverflow, bits / 8 / 1032 <= found else {
      throw .corrupt(
        file: file, reason: "expected \(size) compressed pixels, found \(found) bytes, which can't hold as many")
    }
  }

  /// A chunk as a file holds it.
  static func encode(type: String, body: [UInt8]) -> [UInt8] {
    let content = Array(type.utf8) + body
    return bigEndian(UInt32(body.count)) + content + bigEndian(checksum(content[...]))
  }

  private static func chunk(in bytes: [UInt8], at position: Int, file: String) throws(ImageError) -> Chunk {
    let start = position + 8
    guard start <= bytes.count else {
      throw .corrupt(file: file, reason: "expected a chunk at byte \(position), found the end of the file at byte \(bytes.count)")
    }
    let end = start + Int(word(in: bytes, at: position))
    let type = String(decoding: bytes[position + 4..<start], as: UTF8.self)
    guard end + 4 <= bytes.count else {
      throw .corrupt(
        file: file, reason: "expected chunk \(type) to end at byte \(end + 4), found the end of the file at byte \(bytes.count)")
    }
    let expected = checksum(bytes[position + 4..<end])
    let found = word(in: bytes, at: end)
    guard expected == found else {
      throw .corrupt(
        file: file,
        reason:
          "expected checksum \(String(expected, radix: 16)) of chunk \(type) at byte \(position), found \(String(found, radix: 16))"
      )
    }
    return Chunk(type: type, body: bytes[start..<end])
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.withUnsafeBufferPointer { UInt32(truncatingIfNeeded: crc32_z(0, $0.baseAddress, $0.count)) }
  }

  private static func word(in bytes: [UInt8], at position: Int) -> UInt32 {
    bytes[position..<position + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// A number as a chunk holds it.
  static func bigEndian<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }
}
