import ModelFiles
import Tensor
import TrainingCore
import Transformer

/// How a denoiser is trained. What follows from the data (classes) and the autoencoder (codes, layout) isn't asked for.
public struct DenoiserSettings: Codable, Sendable, Equatable {
  public struct Network: Codable, Sendable, Equatable {
    public var layers: Int
    public var width: Int
    public var heads: Int
    public var mlp: VQDiffusionConfiguration.FeedForwardKind
    public var mlpHiddenMultiplier: Int
    public var activation: VQDiffusionConfiguration.ActivationKind
    /// T
    public var timesteps: Int

    enum CodingKeys: String, CodingKey {
      case layers, width, heads, mlp, activation, timesteps
      case mlpHiddenMultiplier = "mlp_hidden_multiplier"
    }

    public init(
      layers: Int, width: Int, heads: Int, mlp: VQDiffusionConfiguration.FeedForwardKind = .fullyConnected,
      mlpHiddenMultiplier: Int = 4,
      activation: VQDiffusionConfiguration.ActivationKind = .quickGELU, timesteps: Int = 100
    ) {
      (self.layers, self.width, self.heads) = (layers, width, heads)
      (self.mlp, self.mlpHiddenMultiplier) = (mlp, mlpHiddenMultiplier)
      (self.activation, self.timesteps) = (activation, timesteps)
    }
  }

  public typealias Loss = DenoiserLossSettings

  public var network: Network
  /// How tokens are corrupted.
  public var corruption: CorruptionKind
  public var loss: Loss
  /// The share of labels replaced by "no class" (Ho & Salimans 2022); 0 makes a model without that class.
  public var labelDropout: Double
  public var optimization: OptimizationSettings
  public var augmentation: AugmentationSettings
  public var reports: ReportSettings

  enum CodingKeys: String, CodingKey {
    case network, loss, optimization, augmentation, reports
    case corruption = "kernel"
    case labelDropout = "label_dropout"
  }

  public init(
    network: Network, corruption: CorruptionKind = .maskAndReplace, loss: Loss = Loss(), labelDropout: Double = 0.1,
    optimization: OptimizationSettings, augmentation: AugmentationSettings = AugmentationSettings(),
    reports: ReportSettings = ReportSettings()
  ) {
    (self.network, self.corruption, self.loss, self.labelDropout) = (network, corruption, loss, labelDropout)
    (self.optimization, self.augmentation, self.reports) = (optimization, augmentation, reports)
  }

  /// - Throws: `TrainingError.setting`.
  func validate() throws {
    try training.validate()
    try TrainingError.require("label_dropout", labelDropout, "0 or more, and below 1") { $0 >= 0 && $0 < 1 }
  }

  var training: DenoiserTraining {
    DenoiserTraining(
      loss: loss, labelDropout: labelDropout, optimization: optimization, augmentation: augmentation, reports: reports)
  }

  /// The network for an autoencoder's tokens and so many classes; "no class" is the last row where labels are dropped.
  ///
  /// - Throws: `TransformerError.invalidConfiguration`.
  func configuration(codes: Int, grid: [Int], classes: Int) throws(TransformerError) -> VQDiffusionConfiguration {
    let (isConditional, drops) = (classes > 0, labelDropout > 0)
    let configuration = VQDiffusionConfiguration(
      kind: isConditional ? .classConditional : .unconditional, classRows: isConditional ? classes + (drops ? 1 : 0) : nil,
      unconditionalClass: isConditional && drops ? classes : nil, classNorm: isConditional ? .layerNorm : nil,
      timestepNorm: .layerNorm, layers: network.layers, width: network.width, heads: network.heads, mlp: network.mlp,
      mlpHiddenMultiplier: network.mlpHiddenMultiplier, activation: network.activation, grid: grid, positionTable: grid,
      positionKind: .embedding, codebookSize: codes, timesteps: network.timesteps)
    try configuration.validate()
    return configuration
  }
}

/// How a denoiser is trained, whatever its network.
struct DenoiserTraining {
  let loss: DenoiserLossSettings
  /// The share of labels replaced by "no class".
  let labelDropout: Double
  let optimization: OptimizationSettings
  let augmentation: AugmentationSettings
  let reports: ReportSettings

  /// - Throws: `TrainingError.setting`.
  func validate() throws(TrainingError) {
    try optimization.validate()
    try TrainingError.require(
      "augmentation.crop_padding", Double(augmentation.cropPadding), "0, since images are encoded once, whole"
    ) { $0 == 0 }
    try reports.validate()
    try loss.validate()
  }
}
