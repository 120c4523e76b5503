import Foundation

/// What can go wrong between a model folder, a request and an image.
public enum PipelineError: Error, Sendable, Equatable {
  /// A file or folder that a model folder must have.
  case missingPart(folder: String, part: String)
  case unreadable(file: String, reason: String)
  /// A file or folder that can't be written; what was there before is untouched.
  case unwritable(path: String, reason: String)
  /// A JSON file whose contents aren't what they should be; `field` is the path to the value.
  case invalidConfiguration(file: String, field: String, expected: String, found: String)
  /// A file of a model folder whose settings can't be used together; `reason` says what was expected and found.
  case unusable(file: String, reason: String)
  /// Two parts of a model that don't fit together.
  case mismatchedParts(folder: String, expected: String, found: String)
  /// A file to work on whose contents the model can't take.
  case invalidInput(file: String, expected: String, found: String)
  /// An image whose size the model can't take; nothing is resized.
  case unfittingImage(file: String, expected: String, found: ImageSize)
  /// A folder of images that isn't one; `found` says what is there instead.
  case noImages(folder: String, found: String)
  case builtInModelMissing(searched: [String])
  /// The list of ImageNet's classes, which comes with the package as the built-in model does.
  case imageNetNamesMissing(searched: [String])
  case clipVocabularyMissing(searched: [String])
  case unknownLabel(String, near: [String])
  case ambiguousLabel(String, matches: [String])
  case labelsRequired
  case labelsForUnconditionalModel(found: Int)
  case promptsRequired
  /// Classes for a model that takes texts, or the like.
  case wrongSubjects(expected: String, found: String)
  /// A checkpoint without its autoencoder, which wasn't found at the paths either that the configuration names.
  case missingAutoencoder(file: String, searched: [String])
  /// A checkpoint whose denoiser knows a reduced codebook, without the table to the autoencoder's; `path` is where the configuration
  /// has it.
  case missingCodebookMap(file: String, path: String?)
  /// A checkpoint file without the configuration that says what it holds.
  case configurationMissing(file: String)
  case guidanceUnavailable(reason: String)
  case invalidOption(name: String, expected: String, found: String)
}

extension PipelineError: LocalizedError, CustomStringConvertible {
  public var description: String {
    switch self {
    case .missingPart(let folder, let part):
      "\(folder): no \(part); a model folder holds model_index.json, vqvae/, transformer/ and scheduler/"
    case .missingAutoencoder(let file, let searched):
      "\(file): no autoencoder (content_codec.…)"
        + (searched.isEmpty ? "" : ", and none at \(searched.joined(separator: ", "))")
    case .missingCodebookMap(let file, let path):
      "\(file): no \(path ?? "table"), which maps the autoencoder's codes to the denoiser's"
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
    case .unfittingImage(let file, let expected, let found):
      "\(file): expected \(expected), found \(found) pixels; images aren't resized"
    case .noImages(let folder, let found):
      "\(folder): expected a folder with PNG or JPEG images, found \(found)"
    case .builtInModelMissing(let searched):
      "the built-in model wasn't found; looked in \(searched.joined(separator: ", "))"
    case .clipVocabularyMissing(let searched):
      "CLIP's vocabulary wasn't found; looked in \(searched.joined(separator: ", "))"
    case .promptsRequired:
      "this model is text-conditional: give at least one text"
    case .wrongSubjects(let expected, let found):
      "this model takes \(expected), found \(found)"
    case .configurationMissing(let file):
      "\(file): a checkpoint file needs the YAML file that describes it"
    case .imageNetNamesMissing(let searched):
      "the names of ImageNet's classes weren't found; looked in \(searched.joined(separator: ", "))"
    case .unknownLabel(let name, let near):
      "no class '\(name)'" + (near.isEmpty ? "" : "; near: \(near.joined(separator: ", "))")
    case .ambiguousLabel(let name, let matches):
      "class '\(name)' is ambiguous: \(matches.joined(separator: ", "))"
    case .labelsRequired:
      "this model is class-conditional: name at least one class"
    case .labelsForUnconditionalModel(let found):
      "this model is unconditional: expected no class, found \(found)"
    case .guidanceUnavailable(let reason):
      "guidance isn't possible: \(reason)"
    case .invalidOption(let name, let expected, let found):
      "\(name) must be \(expected), found \(found)"
    }
  }

  public var errorDescription: String? { description }
}
