import Foundation

/// The layout of run.json:
///
///     {"format": 1, "task": {"kind": "denoiser", "settings": {…}, "model": "…"}, "images": "…", "validation": "…"}
///
/// `model` is a path, absent for the built-in model and for an autoencoder, which has none.
extension TrainingRun {
  /// Of the files that this version writes, and the only one that it reads.
  static let format = 1

  /// What a file of any version states.
  struct Header: Decodable {
    let format: Int
  }

  private enum CodingKeys: String, CodingKey { case format, task, images, validation }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    task = try container.decode(Task.self, forKey: .task)
    images = try container.decode(String.self, forKey: .images)
    validation = try container.decodeIfPresent(String.self, forKey: .validation)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(Self.format, forKey: .format)
    try container.encode(task, forKey: .task)
    try container.encode(images, forKey: .images)
    try container.encodeIfPresent(validation, forKey: .validation)
  }
}
