import Foundation
import ModelFiles

/// What can end a training run, or keep it from beginning.
public enum TrainingRunError: Error, Sendable, Equatable {
  /// The folder of a new run holds something already.
  case folderInUse(folder: String, found: String)
  /// A run to be resumed that has no checkpoint.
  case nothingToResume(folder: String, expected: String)
  /// A checkpoint that doesn't hold what it should.
  case unreadableState(file: String, expected: String, found: String)
  /// A resumed run with other settings, other data or another kind than it began with.
  case differentRun(folder: String, setting: String, expected: String, found: String)
  /// Settings that aren't what they should be; `field` is the path to the value.
  case invalidSettings(file: String, field: String, expected: String, found: String)
  /// Data whose classes aren't the model's; `expected` are those.
  case differentClasses(location: String, expected: String, found: String)
  /// Images whose size the network can't take.
  case unfittingSize(expected: String, found: String)
  /// Gradients that were infinite or NaN too often in a row.
  case diverged(step: Int, loss: Double)
  case unwritable(path: String, reason: String)
  /// A model that can't be fine-tuned as asked.
  case unsuitableModel(model: String, expected: String, found: String)
}

extension TrainingRunError {
  /// An error of a JSON or YAML file, or of an option, that holds settings.
  init(_ error: ModelFileError) {
    switch error {
    case .invalidConfiguration(let file, let field, let expected, let found):
      self = .invalidSettings(file: file, field: field, expected: expected, found: found)
    case .unreadable(let file, let reason):
      self = .invalidSettings(file: file, field: "", expected: "a file that can be read", found: reason)
    default: self = .invalidSettings(file: "settings", field: "", expected: "settings", found: "\(error)")
    }
  }
}

extension TrainingRunError: LocalizedError, CustomStringConvertible {
  public var description: String {
    switch self {
    case .folderInUse(let folder, let found):
      "\(folder): expected a new or empty folder, found \(found); --resume goes on with a run that isn't at work"
    case .nothingToResume(let folder, let expected):
      "\(folder): nothing to resume: expected \(expected), found none"
    case .unreadableState(let file, let expected, let found):
      "\(file): expected \(expected), found \(found)"
    case .differentRun(let folder, let setting, let expected, let found):
      "\(folder): the run has \(setting) \(expected), found \(found)"
    case .invalidSettings(let file, let field, let expected, let found):
      "\(file): \(field.isEmpty ? "" : field + ": ")expected \(expected), found \(found)"
    case .differentClasses(let location, let expected, let found):
      "\(location): expected classes of \(expected); found \(found)"
    case .unfittingSize(let expected, let found):
      "the size of the images: expected \(expected), found \(found)"
    case .diverged(let step, let loss):
      "training diverged: gradients weren't finite in the last \(Optimization.patience) steps up to step \(step), loss \(loss); "
        + "a lower learning rate or a smaller clip_norm may help"
    case .unwritable(let path, let reason):
      "\(path): can't be written: \(reason)"
    case .unsuitableModel(let model, let expected, let found):
      "\(model): expected \(expected), found \(found)"
    }
  }

  public var errorDescription: String? { description }
}
