import Checkpoint
import Foundation
import VQVAE

/// Images as tokens in a safetensors file: `tokens` I64 [B, L], row by row. The metadata `grid`, "HxW", gives rows and columns
/// where they aren't those of the model's own images.
public enum TokenFile {
  static let gridKey = "grid"

  /// Reads tokens for `codec`.
  ///
  /// - Throws: `CheckpointError` for a file that isn't such a one; `PipelineError.invalidInput` for a grid or tokens that the
  ///   model doesn't have.
  public static func read(_ url: URL, for codec: ImageCodec) throws -> TokenGrid {
    let file = try SafetensorsFile(url)
    let (rows, columns) = try file.metadata[gridKey].map { try grid($0, of: file) } ?? (codec.rows, codec.columns)
    let length = rows * columns
    let count = try file.tokenRows(length: length)
    try file.expectOnly(["tokens"])
    let tokens = try file.integers("tokens", shape: [count, length], in: 0..<codec.vqModel.codes)
    return TokenGrid(tokens: tokens.map { Int32($0) }, height: rows, width: columns)
  }

  /// Writes tokens of `codec`; the file appears complete or not at all.
  ///
  /// - Throws: `CheckpointError.unwritable`.
  public static func write(_ grid: TokenGrid, of codec: ImageCodec, to url: URL) throws(CheckpointError) {
    let isModelsOwn = (grid.height, grid.width) == (codec.rows, codec.columns)
    let tokens = StoredTensor("tokens", grid.tokens.map(Int.init), shape: [grid.count, grid.height * grid.width])
    try SafetensorsFile.write([tokens], metadata: isModelsOwn ? [:] : [gridKey: "\(grid.height)x\(grid.width)"], to: url)
  }

  private static func grid(_ text: String, of file: SafetensorsFile) throws(PipelineError) -> (Int, Int) {
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard sides.count == 2, sides.allSatisfy({ (1...65536).contains($0) }) else {
      throw .invalidInput(
        file: file.file, expected: "metadata \"\(gridKey)\" as rows x columns, 1…65536 each, such as 8x16", found: text)
    }
    return (sides[0], sides[1])
  }
}

// What token files and denoiser inputs have in common.
extension TensorSource {
  /// B of `tokens` [B, length].
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`; `PipelineError.invalidInput` if B is 0.
  func tokenRows(length: Int) throws -> Int {
    guard let shape = shape(of: "tokens") else {
      throw CheckpointError.missingTensor(file: file, tensor: "tokens", shape: nil)
    }
    let count = shape.count == 2 ? shape[0] : 1
    guard shape == [count, length] else {
      throw CheckpointError.wrongShape(file: file, tensor: "tokens", expected: [count, length], found: shape)
    }
    guard count > 0 else { throw PipelineError.invalidInput(file: file, expected: "at least one row of tokens", found: "none") }
    return count
  }

  /// Integers of a given shape within a range.
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, `.wrongElementType`; `PipelineError.invalidInput` for a value
  ///   outside the range.
  func integers(_ name: String, shape: [Int], in range: Range<Int>) throws -> [Int] {
    guard let found = self.shape(of: name) else {
      throw CheckpointError.missingTensor(file: file, tensor: name, shape: shape)
    }
    guard found == shape else {
      throw CheckpointError.wrongShape(file: file, tensor: name, expected: shape, found: found)
    }
    let values = try integers(name)
    if let index = values.firstIndex(where: { !range.contains($0) }) {
      throw PipelineError.invalidInput(
        file: file, expected: "\(name) in \(range.lowerBound)…\(range.upperBound - 1)",
        found: "\(values[index]) at position \(index)")
    }
    return values
  }

  /// - Throws: `CheckpointError.unexpectedTensors` for a tensor of another name.
  func expectOnly(_ expected: [String]) throws(CheckpointError) {
    let others = names.filter { !expected.contains($0) }.sorted()
    guard others.isEmpty else { throw .unexpectedTensors(file: file, names: others) }
  }
}
