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

extension TrainingRun.Task {
  private enum CodingKeys: String, CodingKey { case kind, settings, model }
  private enum Kind: String, Codable { case autoencoder, refit, denoiser, guidance }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let model = try container.decodeIfPresent(String.self, forKey: .model)
    self =
      switch try container.decode(Kind.self, forKey: .kind) {
      case .autoencoder: .autoencoder(try container.decode(AutoencoderSettings.self, forKey: .settings))
      case .refit: .refit(try container.decode(RefitSettings.self, forKey: .settings), model: model)
      case .denoiser: .denoiser(try container.decode(DenoiserSettings.self, forKey: .settings), autoencoder: model)
      case .guidance: .guidance(try container.decode(GuidanceSettings.self, forKey: .settings), model: model)
      }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    func encode(_ kind: Kind, _ settings: some Encodable, _ model: String? = nil) throws {
      try container.encode(kind, forKey: .kind)
      try container.encode(settings, forKey: .settings)
      try container.encodeIfPresent(model, forKey: .model)
    }
    switch self {
    case .autoencoder(let settings): try encode(.autoencoder, settings)
    case .refit(let settings, let model): try encode(.refit, settings, model)
    case .denoiser(let settings, let autoencoder): try encode(.denoiser, settings, autoencoder)
    case .guidance(let settings, let model): try encode(.guidance, settings, model)
    }
  }
}
