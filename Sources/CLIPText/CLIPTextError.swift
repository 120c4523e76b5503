import Foundation

/// What can be wrong with a tokenizer's files, a text encoder's configuration or its input.
public enum CLIPTextError: Error, Sendable, Equatable {
  /// The file can't be opened, or is larger than any vocabulary.
  case unreadable(file: String, reason: String)
  /// The vocabulary isn't a JSON object of tokens and their ids 0, 1, 2 …
  case badVocabulary(file: String, expected: String, found: String)
  /// A line, counted from 1, isn't a merge that the vocabulary knows.
  case badMerge(file: String, line: Int, expected: String, found: String)
  case invalidConfiguration(field: String, expected: String, found: String)
  case tokenOutOfRange(token: Int, vocabulary: Int)
  case wrongTokenCount(expected: String, found: Int)
}

extension CLIPTextError: LocalizedError, CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let file, let reason):
      "\(file): expected a readable file, found: \(reason)"
    case .badVocabulary(let file, let expected, let found):
      "\(file): expected \(expected), found \(found)"
    case .badMerge(let file, let line, let expected, let found):
      "\(file), line \(line): expected \(expected), found \(found)"
    case .invalidConfiguration(let field, let expected, let found):
      "text encoder configuration: \(field) must be \(expected), found \(found)"
    case .tokenOutOfRange(let token, let vocabulary):
      "token id \(token) is out of range: the text encoder has rows 0..<\(vocabulary)"
    case .wrongTokenCount(let expected, let found):
      "expected \(expected) token ids, found \(found)"
    }
  }

  public var errorDescription: String? { description }
}
