import Files
import Foundation
import Tensor

/// A tensor to be written, and as what.
package struct StoredTensor: Sendable {
  /// How floats are stored; the 16-bit types round to nearest even.
  package enum FloatType: Sendable {
    case float32, float16, bfloat16, float64
  }

  fileprivate enum Content: Sendable {
    case floats(FloatTensor)
    case integers([Int])
    case mapped(MappedTensor)
  }

  package let name: String
  package let shape: [Int]
  package let elementType: ElementType
  fileprivate let content: Content

  package init(_ name: String, _ tensor: FloatTensor, as type: FloatType = .float32) {
    self.init(name: name, shape: tensor.shape, elementType: type.elementType, content: .floats(tensor))
  }

  /// Integers, stored as I64.
  package init(_ name: String, _ integers: [Int], shape: [Int]) {
    precondition(integers.count == shape.reduce(1, *), "\(integers.count) values don't fill shape \(shape)")
    self.init(name: name, shape: shape, elementType: .int64, content: .integers(integers))
  }

  /// A tensor of another file, read when it is written, a piece at a time.
  ///
  /// - Parameters:
  ///   - original: its name there.
  ///   - type: how F64, F32, F16 and BF16 are stored, nil for as they are; all other types stay as they are.
  /// - Throws: `CheckpointError.missingTensor`; from a source that isn't a mapped file, as its `floatTensor`.
  package init(
    _ name: String, _ original: String, of source: any TensorSource, floatsAs type: FloatType? = nil
  ) throws(CheckpointError) {
    guard let tensor = source.mapped(original) else {
      self.init(name, try source.floatTensor(original), as: type ?? .float32)
      return
    }
    let isFloat = ElementType.readAsFloats.contains(tensor.elementType)
    let stored = isFloat ? type?.elementType ?? tensor.elementType : tensor.elementType
    self.init(name: name, shape: tensor.shape, elementType: stored, content: .mapped(tensor))
  }

  private init(name: String, shape: [Int], elementType: ElementType, content: Content) {
    (self.name, self.shape, self.elementType, self.content) = (name, shape, elementType, content)
  }

  fileprivate var byteCount: Int { shape.reduce(1, *) * elementType.size }
}

extension StoredTensor.FloatType {
  fileprivate var elementType: ElementType {
    switch self {
    case .float64: .float64
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    }
  }
}

extension SafetensorsFile {
  /// Writes a safetensors file that appears complete or not at all.
  ///
  /// Wide elements come first, then names in order: with the header padded to 8 bytes every tensor is aligned to its
  /// elements, and equal input gives equal bytes.
  ///
  /// - Throws: `CheckpointError.duplicateKey` for a name given twice, `.unwritable` for a tensor named `__metadata__` or when
  ///   the system refuses, `.headerTooLarge` beyond the format's limit, `.unrepresentable` for a finite value that its type
  ///   would make infinite.
  package static func write(
    _ tensors: [StoredTensor], metadata: [String: String] = [:], to url: URL
  ) throws(CheckpointError) {
    let (output, sorted) = try begin(tensors, metadata, url)
    for tensor in sorted { try output.write(tensor, file: url.path) }
    try CheckpointError.wrapping(output.commit)
  }

  /// The same, as work that can be cancelled.
  ///
  /// - Parameter checkCancellation: called before each tensor and at the end; if it throws, nothing is left of the file.
  /// - Throws: what `write(_:metadata:to:)` and `checkCancellation` throw.
  package static func write(_ tensors: [StoredTensor], to url: URL, checkCancellation: () throws -> Void) throws {
    let (output, sorted) = try begin(tensors, [:], url)
    for tensor in sorted {
      try checkCancellation()
      try output.write(tensor, file: url.path)
    }
    try checkCancellation()
    try CheckpointError.wrapping(output.commit)
  }

  /// Opens the file and writes its header.
  ///
  /// - Returns: the file, and the tensors in the order in which they follow.
  private static func begin(
    _ tensors: [StoredTensor], _ metadata: [String: String], _ url: URL
  ) throws(CheckpointError) -> (AtomicFile, [StoredTensor]) {
    let file = url.path
    var names: Set<String> = []
    for tensor in tensors {
      guard names.insert(tensor.name).inserted else { throw .duplicateKey(file: file, key: tensor.name) }
    }
    guard !names.contains(SafetensorsHeader.metadataKey) else {
      throw .unwritable(file: file, reason: "a tensor by the reserved name \"\(SafetensorsHeader.metadataKey)\"")
    }
    let sorted = tensors.sorted { ($1.elementType.size, $0.name) < ($0.elementType.size, $1.name) }
    let header = headerBytes(sorted, metadata)
    guard header.count <= headerLimit else {
      throw .headerTooLarge(file: file, bytes: UInt64(header.count), limit: headerLimit)
    }
    let output = try CheckpointError.wrapping { () throws(FileError) in try AtomicFile(url) }
    try output.write([UInt64(header.count).littleEndian])
    try output.write(header)
    return (output, sorted)
  }

  private static func headerBytes(_ tensors: [StoredTensor], _ metadata: [String: String]) -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key < $1.key }.map { quoted($0.key) + ":" + quoted($0.value) }
      members.append("\(quoted(SafetensorsHeader.metadataKey)):{\(texts.joined(separator: ","))}")
    }
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.byteCount
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      let type = tensor.elementType.rawValue
      members.append("\(quoted(tensor.name)):{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var bytes = Array("{\(members.joined(separator: ","))}".utf8)
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - bytes.count % 8) % 8))
    return bytes
  }

  /// `text` as a JSON string.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension AtomicFile {
  private func append(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    try CheckpointError.wrapping { () throws(FileError) in try write(bytes) }
  }

  fileprivate func write<T: BitwiseCopyable>(_ values: [T]) throws(CheckpointError) {
    try values.withUnsafeBufferPointer { buffer throws(CheckpointError) in
      try append(UnsafeRawBufferPointer(buffer))
    }
  }

  fileprivate func write(_ tensor: StoredTensor, file: String) throws(CheckpointError) {
    // So many elements at a time that a large tensor isn't held twice.
    let length = 1 << 20
    func write(_ piece: UnsafeRawBufferPointer, of type: ElementType) throws(CheckpointError) {
      guard type != tensor.elementType else { return try append(piece) }
      let conversion = FloatConversion(from: type, to: tensor.elementType, file: file, tensor: tensor.name)
      try conversion.convert(piece) { bytes throws(CheckpointError) in try append(bytes) }
    }
    switch tensor.content {
    case .integers(let values): try self.write(values.map { Int64($0).littleEndian })
    case .floats(let floats):
      try floats.withUnsafeBufferPointer { buffer throws(CheckpointError) in
        for start in stride(from: 0, to: buffer.count, by: length) {
          let piece = UnsafeBufferPointer(rebasing: buffer[start..<min(start + length, buffer.count)])
          try write(UnsafeRawBufferPointer(piece), of: .float32)
        }
      }
    case .mapped(let mapped):
      try mapped.withPieces(of: length) { piece throws(CheckpointError) in try write(piece, of: mapped.elementType) }
    }
  }
}
