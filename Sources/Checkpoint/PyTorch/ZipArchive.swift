import Foundation

/// The records of a zip archive in which nothing is compressed, as `torch.save` writes it: names and byte ranges, ZIP64 included.
///
/// Everything that says where a record lies is checked, against the file's size and against the other records. Checksums aren't:
/// that would read every byte of a file of gigabytes before its first tensor is asked for.
///
/// Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
struct ZipArchive {
  /// Where each record's bytes lie in the file.
  let records: [String: Range<Int>]

  /// Whether a file begins as a zip archive does.
  static func isBegun(by bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.starts(with: [0x50, 0x4b, 0x03, 0x04]) || bytes.starts(with: [0x50, 0x4b, 0x05, 0x06])
  }

  /// - Throws: `CheckpointError.malformedArchive`, and `.duplicateKey` for two records of one name.
  init(_ bytes: UnsafeRawBufferPointer, file: String) throws(CheckpointError) {
    let reader = ZipReader(bytes: bytes, file: file)
    let directory = try reader.directory()
    var entries: [ZipReader.Entry] = []
    var position = directory.bytes.lowerBound
    for _ in 0..<directory.count {
      entries.append(try reader.entry(at: &position, end: directory.bytes.upperBound))
    }
    entries.sort { ($0.header, $0.name) < ($1.header, $1.name) }
    var records: [String: Range<Int>] = [:]
    var covered = 0
    for entry in entries {
      let range = try reader.content(of: entry, limit: directory.bytes.lowerBound)
      guard entry.header >= covered else { throw reader.failure("records side by side", "\"\(entry.name)\" inside another one") }
      covered = range.upperBound
      guard records.updateValue(range, forKey: entry.name) == nil else {
        throw .duplicateKey(file: file, key: entry.name)
      }
    }
    self.records = records
  }
}

/// Reads the structures of a zip archive.
private struct ZipReader {
  let bytes: UnsafeRawBufferPointer
  let file: String

  /// A record as the central directory describes it.
  struct Entry {
    let name: String
    /// Where its local header lies.
    let header: Int
    let size: Int
  }

  /// The marks that begin each structure.
  private enum Signature {
    static let localHeader: UInt32 = 0x0403_4b50
    static let centralHeader: UInt32 = 0x0201_4b50
    static let end: UInt32 = 0x0605_4b50
    static let end64: UInt32 = 0x0606_4b50
    static let locator64: UInt32 = 0x0706_4b50
  }

  /// In fields of 16 and 32 bits: the value stands in the ZIP64 structure instead.
  private static let elsewhere16 = 0xffff
  private static let elsewhere32 = 0xffff_ffff

  func failure(_ expected: String, _ found: String) -> CheckpointError {
    .malformedArchive(file: file, expected: expected, found: found)
  }

  /// The central directory: its bytes, and how many entries it has.
  func directory() throws(CheckpointError) -> (bytes: Range<Int>, count: Int) {
    let end = try endRecord()
    var (disks, count) = ((number(end + 4, UInt16.self), number(end + 6, UInt16.self)), number(end + 10, UInt16.self))
    var (size, start, limit) = (number(end + 12, UInt32.self), number(end + 16, UInt32.self), end)
    if end >= 20, number(end - 20, UInt32.self) == Int(Signature.locator64) {
      limit = try length(end - 12)
      guard limit <= end - 20 - 56, number(limit, UInt32.self) == Int(Signature.end64) else {
        throw failure("a ZIP64 end record at byte \(limit)", "none")
      }
      disks = (number(limit + 16, UInt32.self), number(limit + 20, UInt32.self))
      (count, size, start) = (try length(limit + 32), try length(limit + 40), try length(limit + 48))
    } else if count == Self.elsewhere16 || size == Self.elsewhere32 || start == Self.elsewhere32 {
      throw failure("a ZIP64 locator before the end record", "none")
    }
    guard disks == (0, 0) else { throw failure("a zip archive in one file", "one of several parts") }
    guard start <= limit, size <= limit - start else {
      throw failure("a central directory before byte \(limit)", "\(size) bytes from byte \(start)")
    }
    guard count <= size / 46 else { throw failure("at most \(size / 46) records in \(size) bytes of directory", "\(count)") }
    return (start..<start + size, count)
  }

  /// Where the end record lies: the last bytes of the file but for a comment of up to 2¹⁶ - 1.
  private func endRecord() throws(CheckpointError) -> Int {
    var position = bytes.count - 22
    while position >= max(0, bytes.count - 22 - 0xffff) {
      if number(position, UInt32.self) == Int(Signature.end),
        position + 22 + number(position + 20, UInt16.self) == bytes.count
      {
        return position
      }
      position -= 1
    }
    throw failure("a zip archive's central directory at the end of the file", "none, as where a download was cut short")
  }

  /// The directory's entry at `position`, which moves behind it.
  func entry(at position: inout Int, end: Int) throws(CheckpointError) -> Entry {
    let start = position
    guard end - start >= 46, number(start, UInt32.self) == Int(Signature.centralHeader) else {
      throw failure("an entry of the central directory at byte \(start)", "other bytes")
    }
    let (nameSize, extraSize) = (number(start + 28, UInt16.self), number(start + 30, UInt16.self))
    let next = start + 46 + nameSize + extraSize + number(start + 32, UInt16.self)
    guard next <= end else { throw failure("an entry of at most \(end - start) bytes", "one of \(next - start)") }
    let name = try text(start + 46..<start + 46 + nameSize)
    guard number(start + 8, UInt16.self) & 1 == 0 else { throw failure("plain records", "\"\(name)\", which is encrypted") }
    guard number(start + 10, UInt16.self) == 0 else {
      throw failure("records stored as they are, as torch.save does", "\"\(name)\", which is compressed")
    }
    var fields = [number(start + 24, UInt32.self), number(start + 20, UInt32.self), number(start + 42, UInt32.self)]
    if fields.contains(Self.elsewhere32) {
      try fillIn(&fields, extra: start + 46 + nameSize..<start + 46 + nameSize + extraSize, name: name)
    }
    guard fields[0] == fields[1] else { throw failure("one size for \"\(name)\"", "\(fields[0]) and \(fields[1])") }
    position = next
    return Entry(name: name, header: fields[2], size: fields[0])
  }

  /// Replaces the fields that say so by those of the ZIP64 block in an entry's extra bytes.
  private func fillIn(_ fields: inout [Int], extra: Range<Int>, name: String) throws(CheckpointError) {
    var position = extra.lowerBound
    while extra.upperBound - position >= 4 {
      let (kind, end) = (number(position, UInt16.self), position + 4 + number(position + 2, UInt16.self))
      guard end <= extra.upperBound else { break }
      guard kind == 1 else {
        position = end
        continue
      }
      position += 4
      for index in fields.indices where fields[index] == Self.elsewhere32 {
        guard end - position >= 8 else { throw failure("the ZIP64 sizes of \"\(name)\"", "too few of them") }
        fields[index] = try length(position)
        position += 8
      }
      return
    }
    throw failure("the ZIP64 sizes of \"\(name)\"", "none")
  }

  /// Where a record's bytes lie, by its local header; before `limit`.
  func content(of entry: Entry, limit: Int) throws(CheckpointError) -> Range<Int> {
    guard entry.header <= limit - 30, number(entry.header, UInt32.self) == Int(Signature.localHeader) else {
      throw failure("the header of \"\(entry.name)\" at byte \(entry.header)", "none")
    }
    let nameEnd = entry.header + 30 + number(entry.header + 26, UInt16.self)
    let start = nameEnd + number(entry.header + 28, UInt16.self)
    guard start <= limit, entry.size <= limit - start else {
      throw failure("\(entry.size) bytes of \"\(entry.name)\" before the central directory", "\(limit - start)")
    }
    guard bytes[entry.header + 30..<nameEnd].elementsEqual(entry.name.utf8) else {
      throw failure("\"\(entry.name)\" in the record's own header", "another name")
    }
    return start..<start + entry.size
  }

  private func text(_ range: Range<Int>) throws(CheckpointError) -> String {
    guard let text = String(validating: bytes[range], as: UTF8.self) else {
      throw failure("names of records in UTF-8", "other bytes")
    }
    return text
  }

  private func number<T: FixedWidthInteger & BitwiseCopyable>(_ position: Int, _ type: T.Type) -> Int {
    Int(truncatingIfNeeded: T(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: type)))
  }

  /// A field of 64 bits, in bytes or entries.
  private func length(_ position: Int) throws(CheckpointError) -> Int {
    let value = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
    guard let length = Int(exactly: value) else { throw .overflow(file: file, what: "the zip archive's directory") }
    return length
  }
}
