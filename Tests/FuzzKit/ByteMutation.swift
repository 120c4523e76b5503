/// Changes that know nothing of a format but its words.
struct ByteMutation {
  /// Longer inputs don't grow any further.
  static let largest = 1 << 18

  /// What the format's files are made of.
  var words: [[UInt8]] = []

  init(words: [[UInt8]] = []) { self.words = words }

  init(words: [String]) { self.words = words.map { Array($0.utf8) } }

  /// One to four changes.
  func apply(to bytes: inout [UInt8], _ random: inout FuzzRandom) {
    for _ in 0...random.below(4) { change(&bytes, &random) }
  }

  private func change(_ bytes: inout [UInt8], _ random: inout FuzzRandom) {
    guard !bytes.isEmpty else {
      bytes = random.bytes(1 + random.below(16))
      return
    }
    let position = random.below(bytes.count)
    switch random.below(12) {
    case 0: bytes[position] ^= 1 << UInt8(random.below(8))
    case 1: bytes[position] = UInt8(random.below(256))
    case 2: bytes[position] &+= random.once(in: 2) ? 1 : 255
    case 3, 4: overwriteInteger(&bytes, at: position, &random)
    case 5: bytes.removeSubrange(random.range(in: bytes.count, longest: 16))
    case 6: bytes.removeSubrange(position...)
    case 7: insert(random.bytes(1 + random.below(8)), into: &bytes, at: position)
    case 8: copy(&bytes, to: position, &random)
    case 9, 10:
      guard !words.isEmpty else {
        bytes[position] = 0
        return
      }
      insert(random.pick(words), into: &bytes, at: position)
    default: repeatPart(&bytes, &random)
    }
  }

  /// An awkward number in 1, 2, 4 or 8 bytes, in either order.
  private func overwriteInteger(_ bytes: inout [UInt8], at position: Int, _ random: inout FuzzRandom) {
    let value = random.awkwardInteger()
    var field = Array(littleEndianBytes(value).prefix(1 << random.below(4)))
    if random.once(in: 2) { field.reverse() }
    for (offset, byte) in field.enumerated() where position + offset < bytes.count { bytes[position + offset] = byte }
  }

  private func insert(_ part: [UInt8], into bytes: inout [UInt8], at position: Int) {
    if bytes.count + part.count <= Self.largest { bytes.insert(contentsOf: part, at: position) }
  }

  private func copy(_ bytes: inout [UInt8], to position: Int, _ random: inout FuzzRandom) {
    let part = Array(bytes[random.range(in: bytes.count, longest: 64)])
    if random.once(in: 2) { return insert(part, into: &bytes, at: position) }
    for (offset, byte) in part.enumerated() where position + offset < bytes.count { bytes[position + offset] = byte }
  }

  private func repeatPart(_ bytes: inout [UInt8], _ random: inout FuzzRandom) {
    let range = random.range(in: bytes.count, longest: 8)
    let times = random.once(in: 16) ? 4096 : 1 + random.below(64)
    guard bytes.count + range.count * times <= Self.largest else { return }
    bytes.insert(contentsOf: Array(repeating: Array(bytes[range]), count: times).joined(), at: range.upperBound)
  }
}

func littleEndianBytes<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

func bigEndianBytes<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
  withUnsafeBytes(of: value.bigEndian) { Array($0) }
}

/// Changes to a list of parts: one left out, doubled, moved, or many times the same.
func rearrange<Part>(_ parts: inout [Part], most: Int = 1 << 12, _ random: inout FuzzRandom) {
  guard !parts.isEmpty else { return }
  let position = random.below(parts.count)
  switch random.below(6) {
  case 0: parts.remove(at: position)
  case 1: parts.insert(parts[position], at: random.place(in: parts.count))
  case 2: parts.swapAt(position, random.below(parts.count))
  case 3: parts.removeSubrange(random.range(in: parts.count, longest: 8))
  case 4:
    let copied = Array(parts[random.range(in: parts.count, longest: 8)])
    parts.insert(contentsOf: copied, at: random.place(in: parts.count))
  default:
    let times = random.once(in: 8) ? most : 1 + random.below(16)
    if parts.count + times <= most { parts.insert(contentsOf: repeatElement(parts[position], count: times), at: position) }
  }
}

/// CRC-32 as zip archives and PNG files have it.
func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
  ~bytes.reduce(0xffff_ffff) { CyclicRedundancy.table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
}

private enum CyclicRedundancy {
  static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { register, _ in register & 1 == 1 ? 0xedb8_8320 ^ register >> 1 : register >> 1 }
  }
}
