import Tensor

/// Tensors of another source under other names, and under other shapes where asked.
package struct RenamedTensors: TensorSource {
  /// A tensor's new name.
  package struct Entry: Sendable {
    package let name: String
    package let original: String
    /// The shape to present it in, of equal count; nil for its own.
    package let shape: [Int]?

    package init(name: String, original: String, shape: [Int]? = nil) {
      (self.name, self.original, self.shape) = (name, original, shape)
    }
  }

  package let names: [String]
  private let source: any TensorSource
  private let entries: [String: Renamed]

  private struct Renamed {
    let original: String
    let shape: [Int]
  }

  package var file: String { source.file }

  /// - Throws: `CheckpointError.missingTensor` for an original that isn't there, `.duplicateKey` for a name given twice,
  ///   `.wrongShape` for a shape of another number of elements.
  package init(_ source: any TensorSource, _ names: [Entry]) throws(CheckpointError) {
    var entries: [String: Renamed] = [:]
    for entry in names {
      guard let found = source.shape(of: entry.original) else {
        throw .missingTensor(file: source.file, tensor: entry.original, shape: entry.shape)
      }
      let shape = entry.shape ?? found
      guard shape.allSatisfy({ $0 >= 0 }), Checked.byteCount(shape, elementSize: 1) == found.reduce(1, *) else {
        throw .wrongShape(file: source.file, tensor: entry.original, expected: shape, found: found)
      }
      guard entries.updateValue(Renamed(original: entry.original, shape: shape), forKey: entry.name) == nil else {
        throw .duplicateKey(file: source.file, key: entry.name)
      }
    }
    self.source = source
    self.entries = entries
    self.names = names.map(\.name)
  }

  package func shape(of name: String) -> [Int]? { entries[name]?.shape }

  package func elementType(of name: String) -> ElementType? { entries[name].flatMap { source.elementType(of: $0.original) } }

  package func floatTensor(_ name: String) throws(CheckpointError) -> FloatTensor {
    let entry = try entry(name)
    return try source.floatTensor(entry.original).reshaped(entry.shape)
  }

  package func halfTensor(_ name: String) -> HalfTensor? { mapped(name)?.halves }

  package func integers(_ name: String) throws(CheckpointError) -> [Int] { try source.integers(try entry(name).original) }

  package func doubles(_ name: String) throws(CheckpointError) -> [Double] { try source.doubles(try entry(name).original) }

  package func mapped(_ name: String) -> MappedTensor? {
    entries[name].flatMap { entry in source.mapped(entry.original)?.reshaped(entry.shape) }
  }

  private func entry(_ name: String) throws(CheckpointError) -> Renamed {
    guard let entry = entries[name] else { throw .missingTensor(file: file, tensor: name, shape: nil) }
    return entry
  }
}
