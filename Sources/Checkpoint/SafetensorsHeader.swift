/// A tensor in a file.
package struct TensorEntry: Sendable, Equatable {
  package let name: String
  package let elementType: ElementType
  package let shape: [Int]
  /// Where its elements lie, counted from the start of the file.
  package let byteRange: Range<Int>
}

/// The checked contents of a safetensors header:
/// `{"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …}`.
struct SafetensorsHeader {
  /// The key that holds texts instead of a tensor.
  static let metadataKey = "__metadata__"

  /// In the order of their bytes, without gap or overlap.
  let entries: [TensorEntry]
  let metadata: [String: String]

  /// Parses the header `bytes` of a file whose data is `data`, a range of the file.
  init(_ bytes: UnsafeRawBufferPointer, data: Range<Int>, file: String) throws(CheckpointError) {
    guard bytes.first == UInt8(ascii: "{") else {
      throw HeaderScanner(bytes, file: file).failure("\"{\"")
    }
    var entries: [TensorEntry] = []
    var metadata: [String: String] = [:]
    var scanner = HeaderScanner(bytes, file: file)
    try scanner.object { scanner, key throws(CheckpointError) in
      if key == Self.metadataKey {
        try scanner.object { scanner, key throws(CheckpointError) in metadata[key] = try scanner.string() }
      } else {
        entries.append(try Self.entry(key, &scanner, data: data, file: file))
      }
    }
    try scanner.end()
    // Empty tensors share their place with the next one and come before it.
    entries.sort {
      ($0.byteRange.lowerBound, $0.byteRange.upperBound, $0.name) < ($1.byteRange.lowerBound, $1.byteRange.upperBound, $1.name)
    }
    try Self.checkCoverage(entries, data: data, file: file)
    self.entries = entries
    self.metadata = metadata
  }

  private static func entry(
    _ name: String, _ scanner: inout HeaderScanner, data: Range<Int>, file: String
  ) throws(CheckpointError) -> TensorEntry {
    var elementType: ElementType?
    var shape: [Int]?
    var offsets: [Int]?
    try scanner.object { scanner, key throws(CheckpointError) in
      switch key {
      case "dtype":
        let start = scanner.position
        let typeName = try scanner.string()
        elementType = ElementType(rawValue: typeName)
        if elementType == nil {
          throw .badHeader(file: file, offset: start, expected: "a known dtype for \"\(name)\"", found: "\"\(typeName)\"")
        }
      case "shape": shape = try scanner.integers()
      case "data_offsets": offsets = try scanner.integers()
      default:
        throw .badHeader(
          file: file, offset: scanner.position, expected: "dtype, shape or data_offsets for \"\(name)\"", found: "\"\(key)\"")
      }
    }
    guard let elementType, let shape, let offsets, offsets.count == 2 else {
      throw .badHeader(
        file: file, offset: scanner.position, expected: "dtype, shape and two data_offsets for \"\(name)\"",
        found: "an incomplete entry")
    }
    let (begin, end) = (offsets[0], offsets[1])
    guard let needed = Checked.byteCount(shape, elementSize: elementType.size) else {
      throw .overflow(file: file, what: "the size of tensor \"\(name)\" of shape \(shape)")
    }
    guard begin <= end && end <= data.count else {
      throw .outOfBounds(file: file, tensor: name, begin: begin, end: end, limit: data.count)
    }
    guard end - begin == needed else {
      throw .sizeMismatch(file: file, tensor: name, expected: needed, found: end - begin)
    }
    return TensorEntry(
      name: name, elementType: elementType, shape: shape, byteRange: data.lowerBound + begin..<data.lowerBound + end)
  }

  private static func checkCoverage(_ entries: [TensorEntry], data: Range<Int>, file: String) throws(CheckpointError) {
    var covered = data.lowerBound
    var previous = ""
    for entry in entries {
      guard entry.byteRange.lowerBound >= covered else { throw .overlap(file: file, first: previous, second: entry.name) }
      guard entry.byteRange.lowerBound == covered else { throw .hole(file: file, bytes: covered..<entry.byteRange.lowerBound) }
      covered = entry.byteRange.upperBound
      previous = entry.name
    }
    guard covered == data.upperBound else { throw .hole(file: file, bytes: covered..<data.upperBound) }
  }
}
