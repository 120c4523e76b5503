import Checkpoint
import Tensor

/// Reads what tensors a file has, up to an amount: a small file may truthfully hold a tensor of any size, and who asks for it wants it.
struct TensorReading {
  /// Elements of one tensor, and of all in a file.
  private static let (mostElements, mostInFile) = (1 << 18, 1 << 20)

  static func read(_ file: some TensorSource) {
    var total = 0
    for name in file.names {
      guard let shape = file.shape(of: name) else { preconditionFailure("\(name) is listed and has no shape") }
      guard let count = elementCount(shape), count <= mostElements, total + count <= mostInFile else { continue }
      total += count
      check(count) { () throws(CheckpointError) in try file.floatTensor(name).values.count }
      check(count) { () throws(CheckpointError) in try file.integers(name).count }
      check(count) { () throws(CheckpointError) in try file.doubles(name).count }
      if let half = file.halfTensor(name) { precondition(half.shape == shape, "\(half.shape) instead of \(shape)") }
    }
  }

  private static func check(_ count: Int, _ body: () throws(CheckpointError) -> Int) {
    guard let found = try? body() else { return }
    precondition(found == count, "\(found) elements instead of \(count)")
  }

  private static func elementCount(_ shape: [Int]) -> Int? {
    if shape.contains(0) { return 0 }
    var count = 1
    for dimension in shape {
      let (product, isOverflow) = count.multipliedReportingOverflow(by: dimension)
      if isOverflow { return nil }
      count = product
    }
    return count
  }
}
