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
}

extension TensorSource {
  /// Bytes of all tensors' elements as stored.
  package var byteCount: Int {
    names.reduce(0) { $0 + (shape(of: $1) ?? []).reduce(elementType(of: $1)?.size ?? 0, *) }
  }

  package func halfTensor(_ name: String) -> HalfTensor? { nil }
}
