import Checkpoint
import Foundation

/// The tensors of a checkpoint file, of whatever format, under the names that they have there; the keys of nested dictionaries are
/// joined by dots.
public struct TensorListing: Sendable, CustomStringConvertible {
  private let source: any TensorSource

  /// - Throws: `CheckpointError`.
  public init(contentsOf url: URL) throws(CheckpointError) { source = try TensorFile.open(url) }

  public var names: [String] { source.names }

  /// A line for each tensor: its name, element type and shape.
  public var description: String {
    let lines = source.names.map { name in
      let shape = (source.shape(of: name) ?? []).map(String.init).joined(separator: "×")
      return "\(name)  \(source.elementType(of: name)?.rawValue ?? "") \(shape.isEmpty ? "scalar" : shape)"
    }
    let count = lines.count == 1 ? "1 tensor" : "\(lines.count) tensors"
    var summary = ["\(count), \(source.byteCount) bytes"]
    if let file = source as? PyTorchFile, file.unnamedTensorCount > 0 {
      summary.append("not listed: \(file.unnamedTensorCount) more inside of objects, which have no names")
    }
    return (lines + summary).joined(separator: "\n")
  }

  /// Writes the tensors to a safetensors file that appears complete or not at all.
  ///
  /// - Parameters:
  ///   - floats: how floats are stored; nil for as they are.
  ///   - checkCancellation: called between tensors; what it throws ends the work, and nothing is left of the file.
  /// - Throws: `CheckpointError.unwritable`, and for a value that is too large for the type.
  public func write(
    to url: URL, floats: ModelConversion.FloatType? = nil, checkCancellation: () throws -> Void = {}
  ) throws {
    var stored: [StoredTensor] = []
    for name in source.names { stored.append(try StoredTensor(name, name, of: source, floatsAs: floats?.stored)) }
    try SafetensorsFile.write(stored, to: url, checkCancellation: checkCancellation)
  }
}
