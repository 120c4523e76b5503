import Checkpoint
import Evaluation
import Foundation
import ModelFiles

extension FeatureSet {
  private static let tensorName = "features"

  /// Reads features of any origin from a safetensors file: the tensor `features`, or the only one whatever its name, [N, D] of type
  /// F64, F32, F16 or BF16. What else stands beside `features`, such as labels, isn't read.
  ///
  /// - Throws: `CheckpointError` for a file that isn't such a one; `ModelFileError.invalidInput` for another shape;
  ///   `EvaluationError.notFinite`, `.noDimension`.
  public init(contentsOf url: URL) throws {
    let file = try SafetensorsFile(url)
    let name = file.names.count == 1 ? file.names[0] : Self.tensorName
    guard let shape = file.shape(of: name) else {
      throw CheckpointError.missingTensor(file: file.file, tensor: name, shape: nil)
    }
    guard shape.count == 2 else {
      throw ModelFileError.invalidInput(
        file: file.file, expected: "tensor \"\(name)\" of shape [images, dimension]", found: "shape \(shape)")
    }
    try self.init(name: file.file, values: file.doubles(name), dimension: shape[1])
  }
}
