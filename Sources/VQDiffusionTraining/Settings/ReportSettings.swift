import TrainingCore

/// When a run writes what.
public struct ReportSettings: Codable, Sendable, Equatable {
  /// Steps from one picture of samples, and one validation, to the next; 0 for none but the last.
  public var samplesEvery: Int
  /// Minutes from one checkpoint to the next.
  public var checkpointMinutes: Double
  /// Images that a validation looks at, at most.
  public var validationImages: Int

  enum CodingKeys: String, CodingKey {
    case samplesEvery = "samples_every"
    case checkpointMinutes = "checkpoint_minutes"
    case validationImages = "validation_images"
  }

  public init(samplesEvery: Int = 500, checkpointMinutes: Double = 5, validationImages: Int = 1000) {
    (self.samplesEvery, self.checkpointMinutes) = (samplesEvery, checkpointMinutes)
    self.validationImages = validationImages
  }

  /// - Throws: `TrainingError.setting`.
  func validate() throws(TrainingError) {
    try TrainingError.require("reports.samples_every", Double(samplesEvery), "0 or more") { $0 >= 0 }
    try TrainingError.require("reports.checkpoint_minutes", checkpointMinutes, "above 0") { $0 > 0 && $0.isFinite }
    try TrainingError.require("reports.validation_images", Double(validationImages), "1 or more") { $0 >= 1 }
  }
}

/// What is done to images before a network sees them.
public struct AugmentationSettings: Codable, Sendable, Equatable {
  /// Whether every other image, on average, is mirrored left to right.
  public var flips: Bool
  /// Pixels by which images are padded on each side before a random crop; 0 for none. Of autoencoders.
  public var cropPadding: Int

  enum CodingKeys: String, CodingKey {
    case flips
    case cropPadding = "crop_padding"
  }

  public init(flips: Bool = true, cropPadding: Int = 0) { (self.flips, self.cropPadding) = (flips, cropPadding) }

  /// - Throws: `TrainingError.setting`.
  func validate() throws(TrainingError) {
    try TrainingError.require("augmentation.crop_padding", Double(cropPadding), "in 0...4096") { (0...4096).contains($0) }
  }
}
