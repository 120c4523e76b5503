import Tensor

/// A file, of whatever format, that holds tensors by name.
package protocol TensorSource: Sendable {
  /// The file's path, for messages.
  var file: String { get }

  /// The names of all tensors, in the file's order.
  var names: [String] { get }

  /// The shape of a tensor, nil if there is none of that name.
  func shape(of name: String) -> [Int]?

  /// The type of a tensor's elements as stored, nil if there is none of that name.
  func elementType(of name: String) -> ElementType?

  /// A tensor's elements as 32-bit floats.
  ///
  /// - Throws: `CheckpointError.missingTensor`, or `.wrongElementType` for anything but floats.
  func floatTensor(_ name: String) throws(CheckpointError) -> FloatTensor

  /// A tensor of 16-bit floats in place, nil if it isn't one or lies where it can't be read in place.
  func halfTensor(_ name: String) -> HalfTensor?

  /// A tensor's elements as integers, in row-major order.
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongElementType` for floats and U64.
  func integers(_ name: String) throws(CheckpointError) -> [Int]

  /// A tensor's elements as 64-bit floats, in row-major order; exact.
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongElementType` for anything but F64, F32, F16, BF16.
  func doubles(_ name: String) throws(CheckpointError) -> [Double]

  /// A tensor as it lies in a mapped file, nil if there is none of that name or the source isn't such a file.
  func mapped(_ name: String) -> MappedTensor?
}

extension TensorSource {
  /// Bytes of all tensors' elements as stored.
  package var byteCount: Int {
    names.reduce(0) { $0 + (shape(of: $1) ?? []).reduce(elementType(of: $1)?.size ?? 0, *) }
  }
}

// A source that doesn't say otherwise holds 32-bit floats in memory.
extension TensorSource {
  package func elementType(of name: String) -> ElementType? { shape(of: name) == nil ? nil : .float32 }

  package func halfTensor(_ name: String) -> HalfTensor? { nil }

  package func integers(_ name: String) throws(CheckpointError) -> [Int] {
    guard let type = elementType(of: name) else { throw .missingTensor(file: file, tensor: name, shape: nil) }
    throw .wrongElementType(file: file, tensor: name, expected: ElementType.readAsIntegers, found: type)
  }

  package func doubles(_ name: String) throws(CheckpointError) -> [Double] { try floatTensor(name).values.map(Double.init) }

  package func mapped(_ name: String) -> MappedTensor? { nil }
}

/// A source whose tensors all lie in mapped files: `names`, `file` and `mapped(_:)` say everything.
package protocol MappedTensorSource: TensorSource {}

extension MappedTensorSource {
  package func shape(of name: String) -> [Int]? { mapped(name)?.shape }

  package func elementType(of name: String) -> ElementType? { mapped(name)?.elementType }

  /// A tensor's elements as 32-bit floats: F32 in place where they are contiguous and 4-byte aligned and copied where not, F16
  /// and BF16 widened, F64 rounded.
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongElementType` for anything but these four.
  package func floatTensor(_ name: String) throws(CheckpointError) -> FloatTensor { try present(name).floats(named: name) }

  package func halfTensor(_ name: String) -> HalfTensor? { mapped(name)?.halves }

  package func integers(_ name: String) throws(CheckpointError) -> [Int] { try present(name).integers(named: name) }

  package func doubles(_ name: String) throws(CheckpointError) -> [Double] { try present(name).doubles(named: name) }

  private func present(_ name: String) throws(CheckpointError) -> MappedTensor {
    guard let tensor = mapped(name) else { throw .missingTensor(file: file, tensor: name, shape: nil) }
    return tensor
  }
}
