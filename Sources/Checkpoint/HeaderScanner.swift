/// Reads the JSON of a header front to back: objects, arrays, strings and non-negative integers, which is all that a
/// safetensors header may hold.
///
/// General JSON readers keep one of two equal keys in silence; this one refuses them. It holds no recursion over input: how
/// deep values nest is up to the caller's grammar.
struct HeaderScanner {
  private let bytes: UnsafeRawBufferPointer
  private let file: String
  private(set) var position = 0

  init(_ bytes: UnsafeRawBufferPointer, file: String) {
    self.bytes = bytes
    self.file = file
  }

  /// Reads `{"key": value, …}`; `member` reads each value.
  mutating func object(
    _ member: (inout HeaderScanner, String) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    // Names that differ only in how Unicode composes a letter count as equal: a lookup couldn't tell them apart.
    var seen: Set<String> = []
    try list(from: "{", to: "}") { scanner throws(CheckpointError) in
      let key = try scanner.string()
      guard seen.insert(key).inserted else { throw .duplicateKey(file: scanner.file, key: key) }
      try scanner.expect(":")
      try member(&scanner, key)
    }
  }

  /// Reads `[1, 2, …]`.
  mutating func integers() throws(CheckpointError) -> [Int] {
    var values: [Int] = []
    try list(from: "[", to: "]") { scanner throws(CheckpointError) in values.append(try scanner.integer()) }
    return values
  }

  /// Reads a string and resolves its escapes.
  mutating func string() throws(CheckpointError) -> String {
    try expect("\"", named: "a string")
    let start = position
    var escaped: [UInt8]?
    while let byte = peek(), byte != UInt8(ascii: "\"") {
      guard byte >= 0x20 else { throw failure("a string without control characters") }
      if byte == UInt8(ascii: "\\") {
        if escaped == nil { escaped = Array(bytes[start..<position]) }
        escaped?.append(contentsOf: try escape())
      } else {
        escaped?.append(byte)
        position += 1
      }
    }
    let end = position
    try expect("\"", named: "the end of a string")
    let text =
      if let escaped { String(validating: escaped, as: UTF8.self) } else { String(validating: bytes[start..<end], as: UTF8.self) }
    guard let text else { throw .badHeader(file: file, offset: start, expected: "UTF-8", found: "other bytes") }
    return text
  }

  /// Only spaces may follow the last value.
  mutating func end() throws(CheckpointError) {
    skipSpace()
    guard position == bytes.count else { throw failure("the end of the header") }
  }

  /// The error for what stands at the current position.
  func failure(_ expected: String) -> CheckpointError {
    let found = peek().map { $0 > 0x20 && $0 < 0x7f ? "\"\(Character(UnicodeScalar($0)))\"" : "byte \($0)" }
    return .badHeader(file: file, offset: position, expected: expected, found: found ?? "the end of the header")
  }
}

extension HeaderScanner {
  private mutating func list(
    from open: Unicode.Scalar, to close: Unicode.Scalar,
    _ element: (inout HeaderScanner) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    try expect(open)
    if take(close) { return }
    repeat { try element(&self) } while take(",")
    try expect(close, named: "\",\" or \"\(close)\"")
  }

  private mutating func integer() throws(CheckpointError) -> Int {
    skipSpace()
    let start = position
    var value = 0
    while let digit = peek().map({ Int($0) - 0x30 }), (0...9).contains(digit) {
      guard position == start || value > 0 else { throw failure("an integer without leading zeros") }
      let (scaled, isTooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, isTooLargeByDigit) = scaled.addingReportingOverflow(digit)
      guard !isTooLarge && !isTooLargeByDigit else {
        throw .overflow(file: file, what: "the number at byte \(start) of the header")
      }
      value = sum
      position += 1
    }
    guard position > start else { throw failure("a non-negative integer") }
    return value
  }

  /// Reads a backslash and what it stands for, as UTF-8.
  private mutating func escape() throws(CheckpointError) -> [UInt8] {
    position += 1
    guard let letter = peek() else { throw failure("an escape") }
    let plain: Unicode.Scalar? =
      switch Unicode.Scalar(letter) {
      case "\"": "\""
      case "\\": "\\"
      case "/": "/"
      case "b": "\u{8}"
      case "f": "\u{c}"
      case "n": "\n"
      case "r": "\r"
      case "t": "\t"
      default: nil
      }
    if let plain {
      position += 1
      return Array(plain.utf8)
    }
    guard letter == UInt8(ascii: "u") else { throw failure("an escape") }
    return Array(try unicodeEscape().utf8)
  }

  /// Reads `u` and four digits, or two such escapes that form a surrogate pair.
  private mutating func unicodeEscape() throws(CheckpointError) -> Unicode.Scalar {
    let start = position
    var code = try codeUnit()
    if (0xd800..<0xdc00).contains(code) {
      guard peek() == UInt8(ascii: "\\") else { throw failure("the second half of a surrogate pair") }
      position += 1
      let low = try codeUnit()
      guard (0xdc00..<0xe000).contains(low) else {
        throw .badHeader(file: file, offset: start, expected: "a surrogate pair", found: "half of one")
      }
      code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
    }
    guard let scalar = Unicode.Scalar(code) else {
      throw .badHeader(file: file, offset: start, expected: "a surrogate pair", found: "half of one")
    }
    return scalar
  }

  private mutating func codeUnit() throws(CheckpointError) -> UInt32 {
    guard peek() == UInt8(ascii: "u") else { throw failure("a \\u escape") }
    position += 1
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = peek().flatMap({ Character(UnicodeScalar($0)).hexDigitValue }) else {
        throw failure("four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { position += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar, named name: String? = nil) throws(CheckpointError) {
    guard take(character) else { throw failure(name ?? "\"\(character)\"") }
  }
}
