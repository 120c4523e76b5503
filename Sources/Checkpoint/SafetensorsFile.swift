import Files
import Foundation

/// A safetensors file, mapped into memory: eight bytes of header length, a JSON header, the tensors' bytes.
///
/// Opening checks every rule of the format (see `CheckpointError`), so what an entry promises is there.
package struct SafetensorsFile: MappedTensorSource {
  /// The longest header that is read, the format's own limit.
  package static let headerLimit = 100_000_000

  private let mapping: MappedFile
  private let index: [String: Int]
  /// All tensors in the order of their bytes.
  package let entries: [TensorEntry]
  /// The texts under `__metadata__`.
  package let metadata: [String: String]

  package var file: String { mapping.path }
  package var names: [String] { entries.map(\.name) }
  /// The whole mapped file.
  package var bytes: UnsafeRawBufferPointer { mapping.bytes }

  /// - Throws: `CheckpointError.unreadable`, and one of `.truncated`, `.headerTooLarge`, `.badHeader`, `.duplicateKey`,
  ///   `.overflow`, `.outOfBounds`, `.sizeMismatch`, `.overlap`, `.hole` for a file that breaks the format's rules.
  package init(_ url: URL) throws(CheckpointError) {
    try self.init(CheckpointError.wrapping { () throws(FileError) in try MappedFile(url) })
  }

  /// The same for a file that is mapped already.
  init(_ mapping: MappedFile) throws(CheckpointError) {
    self.mapping = mapping
    let (bytes, file) = (mapping.bytes, mapping.path)
    guard bytes.count >= 8 else { throw .truncated(file: file, expected: 8, found: bytes.count) }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= Self.headerLimit else {
      throw .headerTooLarge(file: file, bytes: length, limit: Self.headerLimit)
    }
    guard length <= bytes.count - 8 else { throw .truncated(file: file, expected: length + 8, found: bytes.count) }
    let dataStart = 8 + Int(length)
    let header = try SafetensorsHeader(
      UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]), data: dataStart..<bytes.count, file: file)
    entries = header.entries
    metadata = header.metadata
    index = Dictionary(uniqueKeysWithValues: zip(entries.lazy.map(\.name), entries.indices))
  }

  package func mapped(_ name: String) -> MappedTensor? {
    guard let entry = index[name].map({ entries[$0] }) else { return nil }
    return MappedTensor(mapping, offset: entry.byteRange.lowerBound, elementType: entry.elementType, shape: entry.shape)
  }
}
