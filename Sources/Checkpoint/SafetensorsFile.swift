import CKernels
import Foundation
import Tensor

/// A safetensors file, mapped into memory: eight bytes of header length, a JSON header, the tensors' bytes.
///
/// Opening checks every rule of the format (see `CheckpointError`), so what an entry promises is there.
package struct SafetensorsFile: TensorSource {
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
    mapping = try MappedFile(url)
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

  package func shape(of name: String) -> [Int]? { index[name].map { entries[$0].shape } }

  package func elementType(of name: String) -> ElementType? { index[name].map { entries[$0].elementType } }

  /// A tensor's elements as 32-bit floats: F32 in place if 4-byte aligned and copied if not, F16 and BF16 widened, F64
  /// rounded.
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongElementType` for anything but these four.
  package func floatTensor(_ name: String) throws(CheckpointError) -> FloatTensor {
    let entry = try entry(name)
    let source = UnsafeRawBufferPointer(rebasing: bytes[entry.byteRange])
    defer { withExtendedLifetime(mapping) {} }
    switch entry.elementType {
    case .float32:
      if let start = source.baseAddress, UInt(bitPattern: start) % UInt(MemoryLayout<Float>.alignment) == 0 {
        return FloatTensor(borrowing: start.assumingMemoryBound(to: Float.self), shape: entry.shape, owner: mapping)
      }
      return FloatTensor(uninitialized: entry.shape) {
        UnsafeMutableRawBufferPointer(start: $0, count: source.count).copyMemory(from: source)
      }
    case .float16: return widened(source, entry.shape, by: vqd_widen_f16)
    case .bfloat16: return widened(source, entry.shape, by: vqd_widen_bf16)
    case .float64:
      return FloatTensor(elements(source, of: Double.self).map(Float.init), shape: entry.shape)
    default: throw wrongType(entry, [.float32, .float16, .bfloat16, .float64])
    }
  }

  package func halfTensor(_ name: String) -> HalfTensor? {
    guard let entry = index[name].map({ entries[$0] }) else { return nil }
    let format: HalfTensor.Format
    switch entry.elementType {
    case .float16: format = .float16
    case .bfloat16: format = .bfloat16
    default: return nil
    }
    guard let start = UnsafeRawBufferPointer(rebasing: bytes[entry.byteRange]).baseAddress,
      UInt(bitPattern: start) % UInt(MemoryLayout<UInt16>.alignment) == 0
    else { return nil }
    return HalfTensor(
      borrowing: start.assumingMemoryBound(to: UInt16.self), shape: entry.shape, format: format, owner: mapping)
  }

  /// A tensor's elements as integers, in row-major order.
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongElementType` for floats and U64.
  package func integers(_ name: String) throws(CheckpointError) -> [Int] {
    let entry = try entry(name)
    let source = UnsafeRawBufferPointer(rebasing: bytes[entry.byteRange])
    defer { withExtendedLifetime(mapping) {} }
    return switch entry.elementType {
    case .int64: elements(source, of: Int64.self).map(Int.init)
    case .int32: elements(source, of: Int32.self).map(Int.init)
    case .int16: elements(source, of: Int16.self).map(Int.init)
    case .int8: elements(source, of: Int8.self).map(Int.init)
    case .uint32: elements(source, of: UInt32.self).map(Int.init)
    case .uint16: elements(source, of: UInt16.self).map(Int.init)
    case .uint8, .bool: source.map(Int.init)
    default: throw wrongType(entry, [.int64, .int32, .int16, .int8, .uint32, .uint16, .uint8, .bool])
    }
  }

  /// A tensor's elements as 64-bit floats, in row-major order; exact.
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongElementType` for anything but F64, F32, F16, BF16.
  package func doubles(_ name: String) throws(CheckpointError) -> [Double] {
    let entry = try entry(name)
    guard entry.elementType == .float64 else { return try floatTensor(name).values.map(Double.init) }
    defer { withExtendedLifetime(mapping) {} }
    return elements(UnsafeRawBufferPointer(rebasing: bytes[entry.byteRange]), of: Double.self)
  }

  private func entry(_ name: String) throws(CheckpointError) -> TensorEntry {
    guard let position = index[name] else { throw .missingTensor(file: file, tensor: name, shape: nil) }
    return entries[position]
  }

  private func wrongType(_ entry: TensorEntry, _ expected: [ElementType]) -> CheckpointError {
    .wrongElementType(file: file, tensor: entry.name, expected: expected, found: entry.elementType)
  }

  private func elements<T: BitwiseCopyable>(_ source: UnsafeRawBufferPointer, of type: T.Type) -> [T] {
    (0..<source.count / MemoryLayout<T>.stride).map {
      source.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.stride, as: type)
    }
  }

  private func widened(
    _ source: UnsafeRawBufferPointer, _ shape: [Int],
    by widen: (UnsafePointer<UInt16>, UnsafeMutablePointer<Float>, Int) -> Void
  ) -> FloatTensor {
    FloatTensor(uninitialized: shape) { target in
      guard let start = source.baseAddress else { return }
      let count = source.count / MemoryLayout<UInt16>.stride
      if UInt(bitPattern: start) % UInt(MemoryLayout<UInt16>.alignment) == 0 {
        widen(start.assumingMemoryBound(to: UInt16.self), target, count)
      } else {
        elements(source, of: UInt16.self).withUnsafeBufferPointer { halves in
          if let first = halves.baseAddress { widen(first, target, count) }
        }
      }
    }
  }
}
