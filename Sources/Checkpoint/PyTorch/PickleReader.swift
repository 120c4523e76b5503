/// Reads a pickle's bytes front to back.
struct PickleReader {
  /// The longest line of text and the longest name of a module, a class or a storage; real ones are much shorter.
  static let lineLimit = 512

  let bytes: UnsafeRawBufferPointer
  let file: String
  private(set) var position = 0
  /// Where the opcode being carried out stands.
  private var opcodePosition = 0

  /// - Parameter bytes: the pickle, and whatever follows it.
  init(_ bytes: UnsafeRawBufferPointer, file: String) {
    // Texts are 32-bit ranges; a gigabyte of pickle describes more tensors than fit into any memory.
    self.bytes = UnsafeRawBufferPointer(rebasing: bytes.prefix(1 << 30))
    self.file = file
  }

  /// The error for the opcode being carried out.
  func failure(_ expected: String, _ found: String) -> CheckpointError {
    .malformedPickle(file: file, offset: opcodePosition, expected: expected, found: found)
  }

  mutating func opcode() throws(CheckpointError) -> UInt8 {
    opcodePosition = position
    return try number(UInt8.self)
  }

  /// A little-endian number.
  mutating func number<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(CheckpointError) -> T {
    let start = try skip(MemoryLayout<T>.size)
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: type))
  }

  /// A number of bytes, and as many bytes.
  mutating func counted<T: FixedWidthInteger & BitwiseCopyable>(by type: T.Type) throws(CheckpointError) -> PickleText {
    let count = try number(type)
    guard let count = Int(exactly: count), count >= 0 else { throw failure("a number of bytes", "\(count)") }
    let start = try skip(count)
    return PickleText(start: UInt32(start), count: UInt32(count))
  }

  /// The bytes before the next line feed, which is passed.
  mutating func line() throws(CheckpointError) -> PickleText {
    let rest = bytes[position...].prefix(Self.lineLimit + 1)
    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
      throw failure("a line of at most \(Self.lineLimit) bytes", "a longer one, or the pickle's end")
    }
    defer { position = end + 1 }
    return PickleText(start: UInt32(position), count: UInt32(end - position))
  }

  /// Text of any length.
  func string(_ text: PickleText) throws(CheckpointError) -> String {
    guard let string = String(validating: bytes[text.range], as: UTF8.self) else { throw failure("text in UTF-8", "other bytes") }
    return string
  }

  /// Text that names something.
  func name(_ text: PickleText) throws(CheckpointError) -> String {
    guard text.count <= Self.lineLimit else {
      throw failure("a name of at most \(Self.lineLimit) bytes", "one of \(text.count)")
    }
    return try string(text)
  }

  /// The start of the next `count` bytes, which are passed.
  private mutating func skip(_ count: Int) throws(CheckpointError) -> Int {
    guard count <= bytes.count - position else {
      throw failure("\(count) more bytes", "\(bytes.count - position) before the pickle's end")
    }
    defer { position += count }
    return position
  }
}
