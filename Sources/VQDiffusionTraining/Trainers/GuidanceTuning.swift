import Checkpoint
import Foundation
import Tensor
import Training
import Transformer
import VQDiffusion

/// How a class-conditional denoiser is fine-tuned for classifier-free guidance (Improved VQ-Diffusion, Section 3.1).
public struct GuidanceSettings: Codable, Sendable, Equatable {
  /// What stands for "no class".
  public enum Empty: String, Codable, Sendable, CaseIterable {
    /// A vector that stays: the mean of the classes', as a prompt without words stays in the paper's third setting.
    case null
    /// A vector that is learned, the paper's fourth setting.
    case learned
  }

  public var empty: Empty
  public var labelDropout: Double
  public var loss: DenoiserSettings.Loss
  public var optimization: OptimizationSettings
  public var augmentation: AugmentationSettings
  public var reports: ReportSettings

  enum CodingKeys: String, CodingKey {
    case empty, loss, optimization, augmentation, reports
    case labelDropout = "label_dropout"
  }

  public init(
    empty: Empty = .learned, labelDropout: Double = 0.1, loss: DenoiserSettings.Loss = .init(),
    optimization: OptimizationSettings,
    augmentation: AugmentationSettings = .init(), reports: ReportSettings = .init()
  ) {
    (self.empty, self.labelDropout, self.loss) = (empty, labelDropout, loss)
    (self.optimization, self.augmentation, self.reports) = (optimization, augmentation, reports)
  }

  /// - Throws: `TrainingError.setting`.
  func validate() throws {
    try TrainingError.require("label_dropout", labelDropout, "above 0 and below 1") { $0 > 0 && $0 < 1 }
    try DenoiserSettings(
      network: .init(layers: 1, width: 1, heads: 1), loss: loss, labelDropout: labelDropout, optimization: optimization,
      augmentation: augmentation, reports: reports
    ).validate()
  }
}

/// A denoiser with a "no class" row in its tables, ready to be fine-tuned.
struct GuidanceTuning {
  let settings: DenoiserSettings
  let denoiser: TrainedModel.Denoiser
  let parameters: ParameterSet
  /// The row that isn't learned.
  let frozenRow: Int?

  /// - Parameters:
  ///   - classes: of the data set.
  ///   - data: the data set's path, for messages.
  /// - Throws: `TrainingRunError.unsuitableModel` for a denoiser without classes, or with others than the data has.
  init(_ settings: GuidanceSettings, _ model: TrainedModel.Denoiser, classes: Int, data: String) throws {
    var configuration = model.configuration
    let location = model.tensors.map(\.file).joined(separator: ", ")
    guard configuration.kind == .classConditional, let rows = configuration.classRows,
      configuration.classNorm != .sinusoidalLayerNorm
    else {
      throw TrainingRunError.unsuitableModel(
        model: location, expected: "a denoiser with a table of classes",
        found: "kind \(configuration.kind.rawValue), class_norm \(configuration.classNorm?.rawValue ?? "none")")
    }
    let known = configuration.unconditionalClass == nil ? rows : rows - 1
    guard known == classes else {
      throw TrainingRunError.unsuitableModel(model: location, expected: "\(classes) classes, as \(data) has", found: "\(known)")
    }
    var parameters = try ParameterSet(Weights(model.tensors))
    // A "no class" that was learned before is where learning goes on.
    let keepsRow = settings.empty == .learned && configuration.unconditionalClass != nil
    for name in ClassTables.names(in: parameters) where !keepsRow {
      guard let table = parameters[name] else { continue }
      try parameters.resize(name, to: Self.withMeanRow(table.rows(Array(0..<known))))
    }
    (configuration.classRows, configuration.unconditionalClass) = (known + 1, known)
    try configuration.validate()
    self.parameters = parameters
    denoiser = model.guided(configuration, tensors: [parameters.source()])
    frozenRow = settings.empty == .null ? known : nil
    self.settings = DenoiserSettings(
      network: .init(
        layers: configuration.layers, width: configuration.width, heads: configuration.heads, mlp: configuration.mlp,
        mlpHiddenMultiplier: configuration.mlpHiddenMultiplier, activation: configuration.activation,
        timesteps: configuration.timesteps),
      loss: settings.loss, labelDropout: settings.labelDropout, optimization: settings.optimization,
      augmentation: settings.augmentation, reports: settings.reports)
  }

  /// A table [N, D] with the mean of its rows as one more: what guidance leads away from in a model without such a row.
  private static func withMeanRow(_ table: FloatTensor) -> FloatTensor {
    let (rows, width) = (table.shape[0], table.shape[1])
    let mean = (0..<width).map { column in
      Float((0..<rows).reduce(0.0) { $0 + Double(table[$1, column]) } / Double(rows))
    }
    return FloatTensor(table.values + mean, shape: [rows + 1, width])
  }
}
