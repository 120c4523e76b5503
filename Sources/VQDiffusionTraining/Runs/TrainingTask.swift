import Foundation

/// The settings of one kind of run: what the run trains, and how.
protocol TrainingSettings: Codable, Sendable, Equatable {
  static var kind: TrainingRun.Task.Kind { get }

  var reports: ReportSettings { get set }

  /// Checks the numbers, without a look at the data.
  ///
  /// - Throws: `TrainingError`, `VQVAEError.invalidConfiguration`.
  func validate() throws

  /// Trains.
  ///
  /// - Parameter model: the model that the run begins from; nil for the built-in one, and for runs that begin from nothing.
  func perform(_ preparation: RunPreparation, model: String?, isNew: Bool) throws -> TrainingSummary
}

extension TrainingRun {
  /// What is trained, and how.
  public struct Task: Sendable {
    /// The kinds of runs.
    public enum Kind: String, Codable, Sendable, CaseIterable {
      case autoencoder, refit, denoiser, guidance

      /// Whether such a run trains an autoencoder, not a denoiser.
      public var trainsAutoencoder: Bool { self == .autoencoder || self == .refit }

      /// The one place that knows the settings of each kind.
      var settings: any TrainingSettings.Type {
        switch self {
        case .autoencoder: AutoencoderSettings.self
        case .refit: RefitSettings.self
        case .denoiser: DenoiserSettings.self
        case .guidance: GuidanceSettings.self
        }
      }
    }

    var settings: any TrainingSettings
    /// The path of the model that the run begins from; nil for the built-in one, and for runs that begin from nothing.
    public private(set) var model: String?

    public var kind: Kind { type(of: settings).kind }

    private init(_ settings: any TrainingSettings, model: String? = nil) { (self.settings, self.model) = (settings, model) }

    /// An autoencoder from nothing.
    public static func autoencoder(_ settings: AutoencoderSettings) -> Task { Task(settings) }

    /// A smaller codebook for an autoencoder that is there, with its decoder (VQ-DDM's ReFiT).
    public static func refit(_ settings: RefitSettings, model: String?) -> Task { Task(settings, model: model) }

    /// A denoiser from nothing, on the tokens of an autoencoder; nil is the built-in model's.
    public static func denoiser(_ settings: DenoiserSettings, autoencoder: String?) -> Task { Task(settings, model: autoencoder) }

    /// "No class" for a denoiser that is there (Improved VQ-Diffusion, Section 3.1).
    public static func guidance(_ settings: GuidanceSettings, model: String?) -> Task { Task(settings, model: model) }

    /// The settings as a file holds them.
    ///
    /// - Throws: `EncodingError`.
    public func settingsJSON() throws -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(settings), as: UTF8.self)
    }

    /// The same without reports and model, which decide no number: equal for two runs that make the same steps from the same model.
    var withoutReports: Task {
      var task = self
      (task.settings.reports, task.model) = (ReportSettings(), nil)
      return task
    }
  }
}

extension TrainingRun.Task: Equatable {
  public static func == (one: Self, other: Self) -> Bool { one.model == other.model && one.settings.isEqual(to: other.settings) }
}

extension TrainingSettings {
  fileprivate static func decode<Key>(from container: KeyedDecodingContainer<Key>, forKey key: Key) throws -> Self {
    try container.decode(Self.self, forKey: key)
  }

  fileprivate func isEqual(to other: any TrainingSettings) -> Bool { self == other as? Self }
}

extension TrainingRun.Task: Codable {
  private enum CodingKeys: String, CodingKey { case kind, settings, model }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    model = try container.decodeIfPresent(String.self, forKey: .model)
    settings = try container.decode(Kind.self, forKey: .kind).settings.decode(from: container, forKey: .settings)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(kind, forKey: .kind)
    try container.encode(settings, forKey: .settings)
    try container.encodeIfPresent(model, forKey: .model)
  }
}
