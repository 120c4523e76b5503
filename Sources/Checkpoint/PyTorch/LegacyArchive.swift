import Foundation

/// A file as `torch.save` wrote it before PyTorch 1.6, one pickle after another: a magic number, the format's version, notes on
/// the machine, the object, the storages' keys. Each storage follows as a count of 8 bytes and its elements.
struct LegacyArchive {
  /// 0x1950a86a20f9469cfc6c, little-endian.
  private static let magic: [UInt8] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]
  private static let version = 1001

  /// The object and what it holds.
  let contents: PickleContents
  /// Where the storages' elements lie in the file, by key.
  private(set) var storages: [String: Range<Int>] = [:]

  private let bytes: UnsafeRawBufferPointer
  private let file: String
  private var position = 0

  /// - Throws: `CheckpointError.malformedArchive` for another file, `.sizeMismatch` where a storage is cut short or of another
  ///   size than its tensors say, and as `PickleMachine.run`.
  init(_ bytes: UnsafeRawBufferPointer, file: String) throws(CheckpointError) {
    (self.bytes, self.file) = (bytes, file)
    position = try Self.magicEnd(bytes, file)
    let version = try Self.pickle(bytes, file, &position)
    guard version.root == .int(Self.version) else {
      throw .malformedArchive(file: file, expected: "version \(Self.version) of PyTorch's old format", found: "another one")
    }
    let notes = try Self.pickle(bytes, file, &position)
    guard !notes.says("little_endian", .bool(false)) else {
      throw .malformedArchive(file: file, expected: "little-endian tensors", found: "big-endian ones")
    }
    contents = try Self.pickle(bytes, file, &position)
    let keys = try Self.pickle(bytes, file, &position)
    try locate(try keys.texts())
  }

  /// Where the magic number ends. A file that doesn't begin with it is refused: for what it calls, if it's a pickle that calls.
  private static func magicEnd(_ bytes: UnsafeRawBufferPointer, _ file: String) throws(CheckpointError) -> Int {
    let expected = "a PyTorch file: a zip archive, or pickles that begin with a magic number"
    if let other = ForeignFile.description(of: bytes) {
      throw .malformedArchive(file: file, expected: expected, found: other)
    }
    var position = 0
    do {
      let first = try pickle(bytes, file, &position)
      if case .largeInt(let number) = first.root, bytes[number.range].elementsEqual(magic) { return position }
    } catch {
      if case .forbiddenCallable = error { throw error }
    }
    throw .malformedArchive(file: file, expected: expected, found: "other bytes")
  }

  /// The pickle at `position`, which moves behind it.
  private static func pickle(
    _ bytes: UnsafeRawBufferPointer, _ file: String, _ position: inout Int
  ) throws(CheckpointError) -> PickleContents {
    let contents = try PickleContents(
      UnsafeRawBufferPointer(rebasing: bytes[position...]), file: file, fileSize: bytes.count)
    position += contents.reader.position
    return contents
  }

  private mutating func locate(_ keys: [String]) throws(CheckpointError) {
    let declared = Dictionary(contents.objects.storages.map { ($0.key, $0) }) { first, _ in first }
    for key in keys {
      guard let storage = declared[key] else {
        throw .malformedArchive(file: file, expected: "storages that tensors use", found: "storage \"\(key)\", which none does")
      }
      let needed = try storage.byteCount(file: file)
      guard bytes.count - position >= 8 else {
        throw .sizeMismatch(file: file, tensor: "storage \(key)", expected: needed, found: 0)
      }
      let count = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Int64.self))
      position += 8
      guard count == Int64(storage.count), needed <= bytes.count - position else {
        let size = storage.elementType?.size ?? 1
        let (claimed, isTooLarge) = Int(count).multipliedReportingOverflow(by: size)
        throw .sizeMismatch(
          file: file, tensor: "storage \(key)", expected: needed, found: isTooLarge ? .max : min(claimed, bytes.count - position))
      }
      guard storages.updateValue(position..<position + needed, forKey: key) == nil else {
        throw .duplicateKey(file: file, key: key)
      }
      position += needed
    }
  }
}

/// A pickle's object and all that it holds.
struct PickleContents {
  let root: PickleValue
  let objects: PickleObjects
  let reader: PickleReader

  /// - Throws: as `PickleMachine.run`.
  init(_ bytes: UnsafeRawBufferPointer, file: String, fileSize: Int) throws(CheckpointError) {
    var machine = PickleMachine(bytes, file: file, fileSize: fileSize)
    root = try machine.run()
    objects = machine.objects
    reader = machine.reader
  }

  /// The texts of a list.
  fileprivate func texts() throws(CheckpointError) -> [String] {
    guard case .list(let index) = root else { throw reader.failure("a list of keys", "another object") }
    var result: [String] = []
    for element in objects.containers[index] {
      guard case .text(let text) = element else { throw reader.failure("keys that are texts", "another object") }
      result.append(try reader.name(text))
    }
    return result
  }

  /// Whether a dictionary holds a value under a name.
  fileprivate func says(_ name: String, _ value: PickleValue) -> Bool {
    guard case .dictionary(let index) = root else { return false }
    let elements = objects.containers[index]
    return stride(from: 0, to: elements.count - 1, by: 2).contains { position in
      guard case .text(let key) = elements[position], elements[position + 1] == value else { return false }
      return reader.bytes[key.range].elementsEqual(name.utf8)
    }
  }
}
