import Checkpoint

/// Tensors of a file that make a part of a model, and the names that this project knows them by.
package struct TensorGroup: Sendable {
  package let source: any TensorSource
  package var entries: [RenamedTensors.Entry]

  package init(_ source: any TensorSource, entries: [RenamedTensors.Entry] = []) {
    (self.source, self.entries) = (source, entries)
  }

  /// All of a file's tensors, under the names that they have there.
  package init(all source: any TensorSource) {
    self.init(source, entries: source.names.map { .init(name: $0, original: $0) })
  }

  /// The tensors under this project's names.
  package func renamed() throws(CheckpointError) -> any TensorSource { try RenamedTensors(source, entries) }
}

/// A tensor that a model's files hold, or a file with tensors, that no part uses.
public struct IgnoredTensor: Sendable, Equatable {
  public let file: String
  /// The tensor's name; the file's for a file that isn't read at all.
  public let name: String
  public let reason: String
}
