import Checkpoint

// Integer tensors with the checks that token files, denoiser inputs and tables of codes need.
extension TensorSource {
  /// B of `tokens` [B, length].
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`; `ModelFileError.invalidInput` if B is 0.
  package func tokenRows(length: Int) throws -> Int {
    guard let shape = shape(of: "tokens") else {
      throw CheckpointError.missingTensor(file: file, tensor: "tokens", shape: nil)
    }
    let count = shape.count == 2 ? shape[0] : 1
    guard shape == [count, length] else {
      throw CheckpointError.wrongShape(file: file, tensor: "tokens", expected: [count, length], found: shape)
    }
    guard count > 0 else { throw ModelFileError.invalidInput(file: file, expected: "at least one row of tokens", found: "none") }
    return count
  }

  /// Integers of a given shape within a range.
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, `.wrongElementType`; `ModelFileError.invalidInput` for a value
  ///   outside the range.
  package func integers(_ name: String, shape: [Int], in range: Range<Int>) throws -> [Int] {
    guard let found = self.shape(of: name) else {
      throw CheckpointError.missingTensor(file: file, tensor: name, shape: shape)
    }
    guard found == shape else {
      throw CheckpointError.wrongShape(file: file, tensor: name, expected: shape, found: found)
    }
    let values = try integers(name)
    if let index = values.firstIndex(where: { !range.contains($0) }) {
      throw ModelFileError.invalidInput(
        file: file, expected: "\(name) in \(range.lowerBound)…\(range.upperBound - 1)",
        found: "\(values[index]) at position \(index)")
    }
    return values
  }

  /// - Throws: `CheckpointError.unexpectedTensors` for a tensor of another name.
  package func expectOnly(_ expected: [String]) throws(CheckpointError) {
    let others = names.filter { !expected.contains($0) }.sorted()
    guard others.isEmpty else { throw .unexpectedTensors(file: file, names: others) }
  }
}
