import Checkpoint

/// Tensors of a checkpoint on their way to a part of a model: which are used under which name, and which are left out and why.
struct TensorGroup: Sendable {
  /// A tensor that is used.
  struct Use: Sendable, Equatable {
    /// The name that this project knows it by.
    var name: String
    /// Its name in the file.
    var original: String
    /// For a shape that says the same in more dimensions, as a 1×1 convolution's and a linear layer's do.
    var shape: [Int]?
  }

  let source: any TensorSource
  var uses: [Use]

  init(_ source: any TensorSource, uses: [Use] = []) { (self.source, self.uses) = (source, uses) }

  /// All of a file's tensors, under the names that they have there.
  init(all source: any TensorSource) {
    self.init(source, uses: source.names.map { Use(name: $0, original: $0) })
  }

  /// The tensors under this project's names.
  func renamed() throws(CheckpointError) -> any TensorSource {
    try RenamedTensors(source, names: uses.map { ($0.name, $0.original, $0.shape) })
  }
}

/// A tensor that a model's files hold and that isn't used.
public struct IgnoredTensor: Sendable, Equatable {
  public let file: String
  public let name: String
  public let reason: String
}
