import Checkpoint
import Synchronization
import Tensor

/// Records the tensors that a network asks for while it loads.
package final class TensorRequests: Sendable {
  private let requests = Mutex<[TensorShape]>([])

  package init() {}

  /// Full names and shapes in the order of their names; a tensor that was asked for twice occurs twice.
  package var sorted: [TensorShape] { TensorRequests.sorted(requests.withLock { $0 }) }

  /// Zeros of whatever name and shape is asked for.
  package func loader(options: ComputeOptions = ComputeOptions()) -> WeightLoader {
    WeightLoader(options: options) { name, shape in
      self.requests.withLock { $0.append(TensorShape(name, shape)) }
      return FloatTensor(zeros: shape)
    }
  }

  /// Tensors in the order of their names.
  package static func sorted(_ tensors: [TensorShape]) -> [TensorShape] { tensors.sorted { $0.name < $1.name } }
}

/// Tensors of zeros, with a count of how many were read.
package final class CountingSource: TensorSource {
  package let file = "counted"
  private let shapes: [String: [Int]]
  private let reads = Atomic<Int>(0)

  package init(_ tensors: [TensorShape]) {
    shapes = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.shape) })
  }

  package var readCount: Int { reads.load(ordering: .relaxed) }

  package var names: [String] { shapes.keys.sorted() }

  package func shape(of name: String) -> [Int]? { shapes[name] }

  package func floatTensor(_ name: String) throws(CheckpointError) -> FloatTensor {
    guard let shape = shapes[name] else { throw .missingTensor(file: file, tensor: name, shape: nil) }
    reads.add(1, ordering: .relaxed)
    return FloatTensor(zeros: shape)
  }
}
