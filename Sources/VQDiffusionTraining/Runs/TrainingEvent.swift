import Foundation

/// What a training run tells while it is at work.
public enum TrainingEvent: Sendable {
  /// The data has been listed.
  case data(location: String, images: Int, classes: Int)
  /// An image that can't be read: named once, then skipped.
  case unreadable(image: String, reason: String)
  /// The share of the images that have been encoded as tokens.
  case encoding(share: Double)
  /// Goes on after so many steps.
  case resumed(step: Int)
  /// A step was made.
  case step(TrainingStep)
  /// A file or folder was written.
  case wrote(URL)
  /// The run has come to its end.
  case finished(TrainingSummary)
}

/// A step of a run.
public struct TrainingStep: Sendable {
  /// Steps done.
  public let step: Int
  /// Steps of the whole run.
  public let steps: Int
  /// What was measured, under the log's names.
  public let values: [(name: String, value: Double)]

  public subscript(name: String) -> Double? { values.first { $0.name == name }?.value }
}

/// What came of a run.
public struct TrainingSummary: Sendable {
  /// The folder of what has been trained.
  public let model: URL
  /// What was measured last, under the log's names.
  public let values: [(name: String, value: Double)]
  /// Images that couldn't be read.
  public let unreadable: Int
}
