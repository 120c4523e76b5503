import Files
import Foundation

/// Errors of a model's files and labels.
public enum ModelFileError: Error, Sendable, Equatable {
  /// A file or folder that a model folder must have.
  case missingPart(folder: String, part: String)
  case unreadable(file: String, reason: String)
  /// A file or folder that can't be written; what was there before is untouched.
  case unwritable(path: String, reason: String)
  /// A JSON or YAML file whose contents aren't what they should be; `field` is the path to the value.
  case invalidConfiguration(file: String, field: String, expected: String, found: String)
  /// A file of a model folder whose settings can't be used together; `reason` says what was expected and found.
  case unusable(file: String, reason: String)
  /// Two parts of a model that don't fit together.
  case mismatchedParts(folder: String, expected: String, found: String)
  /// A tensor file whose contents the model can't take.
  case invalidInput(file: String, expected: String, found: String)
  /// A file or folder that can't be the model, or can't be it together with the other files that were named.
  case invalidLocation(expected: String, found: String)
  /// A checkpoint without its autoencoder, which wasn't found at the paths either that the configuration names.
  case missingAutoencoder(file: String, searched: [String])
  /// A checkpoint whose denoiser knows a reduced codebook, without the table to the autoencoder's; `path` is where the configuration
  /// has it.
  case missingCodebookMap(file: String, path: String?)
  /// A checkpoint file without the configuration that says what it holds.
  case configurationMissing(file: String)
  /// Files that come with the package and weren't found.
  case builtInModelMissing(searched: [String])
  case imageNetNamesMissing(searched: [String])
  case clipVocabularyMissing(searched: [String])
  case unknownLabel(String, near: [String])
  case ambiguousLabel(String, matches: [String])

  package init(_ error: FileError) {
    switch error {
    case .unreadable(let file, let reason): self = .unreadable(file: file, reason: reason)
    case .tooLarge(let file, let expected, let found):
      self = .invalidConfiguration(file: file, field: "", expected: expected, found: "\(found)")
    case .unwritable(let path, let reason): self = .unwritable(path: path, reason: reason)
    }
  }
}

extension ModelFileError: LocalizedError, CustomStringConvertible {
  public var description: String {
    switch self {
    case .missingPart(let folder, let part):
      "\(folder): no \(part); a model folder holds model_index.json, vqvae/, transformer/ and scheduler/"
    case .missingAutoencoder(let file, let searched):
      "\(file): no autoencoder (content_codec.…)"
        + (searched.isEmpty ? "" : ", and none at \(searched.joined(separator: ", "))")
    case .missingCodebookMap(let file, let path):
      "\(file): no \(path ?? "table"), which maps the autoencoder's codes to the denoiser's"
    case .configurationMissing(let file):
      "\(file): a checkpoint file needs the YAML file that describes it"
    case .unwritable(let path, let reason):
      "\(path): can't be written: \(reason)"
    case .unreadable(let file, let reason):
      "\(file): can't be read: \(reason)"
    case .invalidConfiguration(let file, let field, let expected, let found):
      "\(file): \(field.isEmpty ? "" : field + ": ")expected \(expected), found \(found)"
    case .unusable(let file, let reason):
      "\(file): \(reason)"
    case .mismatchedParts(let folder, let expected, let found):
      "\(folder): the parts don't fit together: expected \(expected), found \(found)"
    case .invalidInput(let file, let expected, let found):
      "\(file): expected \(expected), found \(found)"
    case .invalidLocation(let expected, let found):
      "the model must be \(expected), found \(found)"
    case .builtInModelMissing(let searched):
      "the built-in model wasn't found; looked in \(searched.joined(separator: ", "))"
    case .clipVocabularyMissing(let searched):
      "CLIP's vocabulary wasn't found; looked in \(searched.joined(separator: ", "))"
    case .imageNetNamesMissing(let searched):
      "the names of ImageNet's classes weren't found; looked in \(searched.joined(separator: ", "))"
    case .unknownLabel(let name, let near):
      "no class '\(name)'" + (near.isEmpty ? "" : "; near: \(near.joined(separator: ", "))")
    case .ambiguousLabel(let name, let matches):
      "class '\(name)' is ambiguous: \(matches.joined(separator: ", "))"
    }
  }

  public var errorDescription: String? { description }
}

extension ModelFileError {
  /// Runs `body`; errors of whole files become this module's.
  package static func wrapping<R>(_ body: () throws -> R) throws -> R {
    do { return try body() } catch let error as FileError { throw ModelFileError(error) }
  }

  /// Foundation's description of a JSON file that doesn't hold what it should.
  package init(_ error: DecodingError, file: String) {
    func field(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
      (context.codingPath + (last.map { [$0] } ?? [])).map(\.stringValue).joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context):
      self = .invalidConfiguration(file: file, field: field(context, key), expected: "a value", found: "nothing")
    case .valueNotFound(let type, let context):
      self = .invalidConfiguration(file: file, field: field(context), expected: Self.jsonName(of: type), found: "null")
    case .typeMismatch(let type, let context):
      self = .invalidConfiguration(file: file, field: field(context), expected: Self.jsonName(of: type), found: "another type")
    case .dataCorrupted(let context):
      // Foundation says the same of broken JSON and of a fraction where a count belongs.
      self = .invalidConfiguration(
        file: file, field: field(context), expected: "valid JSON with values of the right kind, whole numbers for counts",
        found: context.debugDescription)
    @unknown default:
      self = .unreadable(file: file, reason: "\(error)")
    }
  }

  /// What a Swift type is called in JSON; Foundation names arrays and objects by types of its own.
  private static func jsonName(of type: any Any.Type) -> String {
    switch type {
    case is Int.Type, is UInt64.Type: "a whole number"
    case is Double.Type: "a number"
    case is String.Type: "a string"
    case is LabelSet.Entry.Type: "a string or an object"
    case is Bool.Type: "true or false"
    case is [Any].Type, is [Int].Type, is [String].Type: "an array"
    case is [String: Any].Type: "an object"
    default: "\(type)"
    }
  }
}
