import Foundation

/// What can be wrong with a denoiser's configuration or its input.
public enum TransformerError: Error, Sendable, Equatable {
  case invalidConfiguration(field: String, expected: String, found: String)
  case tokenOutOfRange(token: Int, codes: Int)
  case timestepOutOfRange(timestep: Int, timesteps: Int)
  case classOutOfRange(index: Int, rows: Int)
  /// A condition of another kind than the model takes, or text vectors of another shape.
  case wrongCondition(expected: String, found: String)
  case wrongTokenCount(expected: String, found: Int)
  /// Another number of timesteps than of sequences.
  case wrongTimestepCount(expected: Int, found: Int)
  /// Logits of another shape than the network's facts state.
  case wrongLogits(expected: [Int], found: [Int])
}

extension TransformerError: LocalizedError, CustomStringConvertible {
  public var description: String {
    switch self {
    case .invalidConfiguration(let field, let expected, let found):
      "transformer configuration: \(field) must be \(expected), found \(found)"
    case .tokenOutOfRange(let token, let codes):
      "token \(token) is out of range: expected 0..<\(codes) for codes or \(codes) for [MASK]"
    case .timestepOutOfRange(let timestep, let timesteps):
      "timestep \(timestep) is out of range: expected 0..<\(timesteps)"
    case .classOutOfRange(let index, let rows):
      "class \(index) is out of range: the model has rows 0..<\(rows)"
    case .wrongCondition(let expected, let found):
      "the model expects \(expected), found \(found)"
    case .wrongTokenCount(let expected, let found):
      "expected \(expected) tokens, found \(found)"
    case .wrongTimestepCount(let expected, let found):
      "expected \(expected) timesteps, one a sequence, found \(found)"
    case .wrongLogits(let expected, let found):
      "the network must return logits of shape \(expected), as its facts state, found \(found)"
    }
  }

  public var errorDescription: String? { description }
}
