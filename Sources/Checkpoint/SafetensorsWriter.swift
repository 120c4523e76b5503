import CKernels
import Foundation
import Tensor

/// A tensor to be written, and as what.
package struct StoredTensor: Sendable {
  /// How floats are stored; the 16-bit types round to nearest even.
  package enum FloatType: Sendable {
    case float32, float16, bfloat16
  }

  fileprivate enum Content: Sendable {
    case floats(FloatTensor, FloatType)
    case integers([Int])
  }

  package let name: String
  package let shape: [Int]
  package let elementType: ElementType
  fileprivate let content: Content

  package init(_ name: String, _ tensor: FloatTensor, as type: FloatType = .float32) {
    self.name = name
    shape = tensor.shape
    elementType =
      switch type {
      case .float32: .float32
      case .float16: .float16
      case .bfloat16: .bfloat16
      }
    content = .floats(tensor, type)
  }

  /// Integers, stored as I64.
  package init(_ name: String, _ integers: [Int], shape: [Int]) {
    precondition(integers.count == shape.reduce(1, *), "\(integers.count) values don't fill shape \(shape)")
    self.name = name
    self.shape = shape
    elementType = .int64
    content = .integers(integers)
  }

  fileprivate var byteCount: Int { shape.reduce(1, *) * elementType.size }
}

extension SafetensorsFile {
  /// Writes a safetensors file that appears complete or not at all.
  ///
  /// Wide elements come first, then names in order: with the header padded to 8 bytes every tensor is aligned to its
  /// elements, and equal input gives equal bytes.
  ///
  /// - Throws: `CheckpointError.duplicateKey` for a name given twice, `.unwritable` for a tensor named `__metadata__` or when
  ///   the system refuses, `.headerTooLarge` beyond the format's limit.
  package static func write(
    _ tensors: [StoredTensor], metadata: [String: String] = [:], to url: URL
  ) throws(CheckpointError) {
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
    let output = try AtomicFile(url)
    try output.write([UInt64(header.count).littleEndian])
    try output.write(header)
    for tensor in sorted { try output.write(tensor.content) }
    try output.commit()
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
  fileprivate func write<T: BitwiseCopyable>(_ values: [T]) throws(CheckpointError) {
    try values.withUnsafeBufferPointer { buffer throws(CheckpointError) in try write(UnsafeRawBufferPointer(buffer)) }
  }

  fileprivate func write(_ content: StoredTensor.Content) throws(CheckpointError) {
    switch content {
    case .integers(let values): try write(values.map { Int64($0).littleEndian })
    case .floats(let tensor, let type):
      try tensor.withUnsafeBufferPointer { floats throws(CheckpointError) in
        switch type {
        case .float32: try write(UnsafeRawBufferPointer(floats))
        case .float16: try write(floats, narrowedBy: vqd_narrow_f16)
        case .bfloat16: try write(floats, narrowedBy: vqd_narrow_bf16)
        }
      }
    }
  }

  private func write(
    _ floats: UnsafeBufferPointer<Float>,
    narrowedBy narrow: (UnsafePointer<Float>, UnsafeMutablePointer<UInt16>, Int) -> Void
  ) throws(CheckpointError) {
    guard let base = floats.baseAddress else { return }
    // In pieces, so that a large tensor isn't held twice.
    var halves = [UInt16](repeating: 0, count: min(floats.count, 1 << 20))
    for start in stride(from: 0, to: floats.count, by: 1 << 20) {
      let count = min(floats.count - start, 1 << 20)
      halves.withUnsafeMutableBufferPointer { if let first = $0.baseAddress { narrow(base + start, first, count) } }
      try halves.withUnsafeBufferPointer { buffer throws(CheckpointError) in
        try write(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: buffer.prefix(count))))
      }
    }
  }
}
