import Checkpoint
import Foundation
import ModelFiles
import Tensor
import VQVAE

/// Images as tokens in a safetensors file: `tokens` I64 [B, L]. The metadata `grid`, "HxW", or `length` give the layout where it isn't
/// that of the model's own images.
public enum TokenFile {
  static let gridKey = "grid"
  static let lengthKey = "length"

  /// Reads tokens for `codec`.
  ///
  /// - Throws: `CheckpointError` for a file that isn't such a one; `ModelFileError.invalidInput` for a layout or tokens that the
  ///   model doesn't have.
  public static func read(_ url: URL, for codec: ImageCodec) throws -> ImageTokens {
    let file = try SafetensorsFile(url)
    let layout = try layout(of: file) ?? codec.layout
    guard codec.tokenizer.imageSize(of: layout) != nil else {
      throw ModelFileError.invalidInput(file: file.file, expected: "\(codec.layout)", found: "\(layout)")
    }
    let count = try file.tokenRows(length: layout.count)
    try file.expectOnly(["tokens"])
    let tokens = try file.integers("tokens", shape: [count, layout.count], in: 0..<codec.codes)
    return ImageTokens(tokens.map { Int32($0) }, layout: layout)
  }

  /// Writes tokens of `codec`; the file appears complete or not at all.
  ///
  /// - Throws: `CheckpointError.unwritable`.
  public static func write(_ tokens: ImageTokens, of codec: ImageCodec, to url: URL) throws(CheckpointError) {
    var metadata: [String: String] = [:]
    if tokens.layout != codec.layout {
      switch tokens.layout {
      case .grid(let rows, let columns): metadata[gridKey] = "\(rows)x\(columns)"
      case .sequence(let length): metadata[lengthKey] = "\(length)"
      }
    }
    let stored = StoredTensor("tokens", tokens.tokens.map(Int.init), shape: [tokens.count, tokens.layout.count])
    try SafetensorsFile.write([stored], metadata: metadata, to: url)
  }

  /// The layout that a file states; nil if it states none.
  private static func layout(of file: SafetensorsFile) throws(ModelFileError) -> TokenLayout? {
    if let text = file.metadata[gridKey] { return try grid(text, of: file) }
    guard let text = file.metadata[lengthKey] else { return nil }
    guard let length = Int(text), (1...65536).contains(length) else {
      throw .invalidInput(file: file.file, expected: "metadata \"\(lengthKey)\" in 1…65536", found: text)
    }
    return .sequence(length: length)
  }

  private static func grid(_ text: String, of file: SafetensorsFile) throws(ModelFileError) -> TokenLayout {
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard sides.count == 2, sides.allSatisfy({ (1...65536).contains($0) }) else {
      throw .invalidInput(
        file: file.file, expected: "metadata \"\(gridKey)\" as rows x columns, 1…65536 each, such as 8x16", found: text)
    }
    return .grid(rows: sides[0], columns: sides[1])
  }
}
