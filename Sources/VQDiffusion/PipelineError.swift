import Foundation
import Images

/// Errors between a request and its images.
public enum PipelineError: Error, Sendable, Equatable {
  /// Parts of a model that don't fit together.
  case mismatchedParts(model: String, expected: String, found: String)
  /// A text for a model that came without its text encoder.
  case textEncoderMissing(model: String)
  /// Features that the model's image tokenizer doesn't have.
  case featuresMissing
  /// Tokens or images of a tokenizer that aren't what was asked for.
  case tokenizerOutput(expected: String, found: String)
  /// Work that needs tokens which stand for squares of pixels.
  case needsPixelGrid(work: String, found: String)
  /// An image whose size the model can't take; nothing is resized.
  case unfittingImage(file: String, expected: String, found: ImageSize)
  /// A folder of images that isn't one; `found` says what is there instead.
  case noImages(folder: String, found: String)
  case labelsRequired
  case labelsForUnconditionalModel(found: Int)
  case promptsRequired
  /// Classes for a model that takes texts, or the like.
  case wrongSubjects(expected: String, found: String)
  case guidanceUnavailable(reason: String)
  case invalidOption(name: String, expected: String, found: String)
}

extension PipelineError: LocalizedError, CustomStringConvertible {
  public var description: String {
    switch self {
    case .mismatchedParts(let model, let expected, let found):
      "\(model): the parts don't fit together: expected \(expected), found \(found)"
    case .textEncoderMissing(let model):
      "\(model): no text encoder; a model folder holds it in text_encoder/ and tokenizer/"
    case .featuresMissing:
      "images can't be compared: the model's image tokenizer has no feature maps; use another model"
    case .tokenizerOutput(let expected, let found):
      "the image tokenizer must return \(expected), found \(found)"
    case .needsPixelGrid(let work, let found):
      "\(work) needs a token for each square of pixels, found \(found); use another model"
    case .unfittingImage(let file, let expected, let found):
      "\(file): expected \(expected), found \(found) pixels; images aren't resized"
    case .noImages(let folder, let found):
      "\(folder): expected a folder with PNG or JPEG images, found \(found)"
    case .promptsRequired:
      "this model is text-conditional: give at least one text"
    case .wrongSubjects(let expected, let found):
      "this model takes \(expected), found \(found)"
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
