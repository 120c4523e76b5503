import Foundation
import Tensor

/// What can be wrong with an autoencoder's configuration or its input.
public enum VQVAEError: Error, Sendable, Equatable {
  case invalidConfiguration(field: String, expected: String, found: String)
  case tokenOutOfRange(token: Int, codes: Int)
  case wrongTokenCount(expected: String, found: Int)
  case wrongImageSize(expected: String, found: String)
  /// Tokens of a layout that the tokenizer can't decode.
  case wrongLayout(expected: String, found: TokenLayout)
  case invalidCodebookMap(expected: String, found: String)
  /// Tensors whose names and shapes aren't those of a VQGAN.
  case unrecognizedTensors(file: String, expected: String, found: String)

  /// Throws `invalidConfiguration` unless a condition on a field holds.
  static func require(_ isTrue: Bool, _ field: String, _ expected: String, _ found: Any) throws(VQVAEError) {
    if !isTrue { throw .invalidConfiguration(field: field, expected: expected, found: "\(found)") }
  }
}

extension VQVAEError: LocalizedError, CustomStringConvertible {
  public var description: String {
    switch self {
    case .invalidConfiguration(let field, let expected, let found):
      "vqvae configuration: \(field) must be \(expected), found \(found)"
    case .tokenOutOfRange(let token, let codes):
      "token \(token) is out of range: expected 0..<\(codes)"
    case .wrongTokenCount(let expected, let found):
      "expected \(expected) tokens, found \(found)"
    case .wrongImageSize(let expected, let found):
      "wrong image size: expected \(expected), found \(found)"
    case .wrongLayout(let expected, let found):
      "wrong layout of tokens: expected \(expected), found \(found)"
    case .invalidCodebookMap(let expected, let found):
      "codebook map: expected \(expected), found \(found)"
    case .unrecognizedTensors(let file, let expected, let found):
      "\(file): expected a VQGAN's \(expected), found \(found)"
    }
  }

  public var errorDescription: String? { description }
}
