import Checkpoint
import Foundation
import ModelFiles
import Tensor
import TrainingCore
import Transformer

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
    try training.validate()
  }

  var training: DenoiserTraining {
    DenoiserTraining(
      loss: loss, labelDropout: labelDropout, optimization: optimization, augmentation: augmentation, reports: reports)
  }
}

/// A denoiser with a "no class" row in its tables, ready to be fine-tuned.
struct GuidanceTuning {
  let denoiser: TrainedModel.Denoiser
  let parameters: ParameterSet
  /// The row that isn't learned.
  let frozenRow: Int?

  /// - Parameters:
  ///   - classes: of the data set.
  ///   - data: the data set's path, for messages.
  /// - Throws: `TrainingRunError.unsuitableModel` for a denoiser without classes, or with others than the data has.
  init(_ settings: GuidanceSettings, _ model: TrainedModel.Denoiser, classes: Int, data: String) throws {
    let location = model.tensors.map(\.file).joined(separator: ", ")
    let graph = try DenoiserGraphs.graph(of: model.configuration)
    let facts = graph.facts
    guard let configuration = graph.withNoClass() else {
      throw TrainingRunError.unsuitableModel(
        model: location, expected: "a denoiser with a table of classes", found: model.configuration.summary)
    }
    let known = facts.classCount
    guard known == classes else {
      throw TrainingRunError.unsuitableModel(model: location, expected: "\(classes) classes, as \(data) has", found: "\(known)")
    }
    var parameters = try ParameterSet(WeightLoader(model.tensors))
    // A "no class" that was learned before is where learning goes on.
    let keepsRow = settings.empty == .learned && facts.classRows > known
    for name in graph.classTables where !keepsRow {
      guard let table = parameters[name] else { continue }
      try parameters.resize(name, to: Self.withMeanRow(table.rows(Array(0..<known))))
    }
    try configuration.validate()
    self.parameters = parameters
    denoiser = model.guided(configuration, tensors: [parameters.source()])
    frozenRow = settings.empty == .null ? known : nil
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
