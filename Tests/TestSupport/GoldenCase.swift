import Checkpoint
import Foundation
import Tensor

/// The folder of the recorded cases, `Tests/Fixtures`.
package let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("Fixtures")

/// A recorded case: `config.json`, and in `case.safetensors` inputs (`in.…`) and expected outputs (`out.…`).
package struct GoldenCase {
  package let name: String
  package let folder: URL
  /// The whole of `config.json`.
  package let config: JSONValue
  package let tensors: SafetensorsFile

  /// - Parameter parent: the folder that holds the case's.
  package init(_ name: String, in parent: URL = fixtures) throws {
    self.name = name
    folder = parent.appendingPathComponent(name)
    config = try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: folder.appendingPathComponent("config.json")))
    tensors = try SafetensorsFile(folder.appendingPathComponent("case.safetensors"))
  }

  /// The case's sizes and settings under plain names.
  package var params: JSONValue { config["params"] }

  /// Floats of any width as 32-bit floats; F64 is rounded (see `doubles`).
  package func floats(_ tensor: String) throws -> FloatTensor { try tensors.floatTensor(tensor) }

  package func integers(_ tensor: String) throws -> [Int] { try tensors.integers(tensor) }

  /// Integers as the networks take them.
  package func tokens(_ tensor: String) throws -> [Int32] { try tensors.integers(tensor).map { Int32($0) } }

  package func doubles(_ tensor: String) throws -> [Double] { try tensors.doubles(tensor) }

  package func shape(_ tensor: String) throws -> [Int] {
    guard let shape = tensors.shape(of: tensor) else {
      throw CheckpointError.missingTensor(file: tensors.file, tensor: tensor, shape: nil)
    }
    return shape
  }

  /// The suggested absolute tolerance of an output, named without `out.`: ten times the reference's own rounding noise.
  package func tolerance(_ output: String) throws -> Double { try config["suggested_absolute_tolerance"].double(output) }

  /// The weight files of the case merged, later files over earlier ones. The files may belong to another case.
  package func weights(options: ComputeOptions = ComputeOptions()) throws -> WeightLoader {
    try WeightLoader(
      files: try config.strings("weights").map { folder.appendingPathComponent($0).standardizedFileURL }, laterWins: true,
      options: options)
  }
}
