import Training
import Transformer
import VQDiffusion

/// How a denoiser is trained. What follows from the data (classes) and the autoencoder (codes, grid) isn't asked for.
public struct DenoiserSettings: Codable, Sendable, Equatable {
  public struct Network: Codable, Sendable, Equatable {
    public var layers: Int
    public var width: Int
    public var heads: Int
    public var mlp: DenoiserConfiguration.FeedForwardKind
    public var mlpHiddenMultiplier: Int
    public var activation: DenoiserConfiguration.ActivationKind
    /// T
    public var timesteps: Int

    enum CodingKeys: String, CodingKey {
      case layers, width, heads, mlp, activation, timesteps
      case mlpHiddenMultiplier = "mlp_hidden_multiplier"
    }

    public init(
      layers: Int, width: Int, heads: Int, mlp: DenoiserConfiguration.FeedForwardKind = .fullyConnected,
      mlpHiddenMultiplier: Int = 4,
      activation: DenoiserConfiguration.ActivationKind = .quickGELU, timesteps: Int = 100
    ) {
      (self.layers, self.width, self.heads) = (layers, width, heads)
      (self.mlp, self.mlpHiddenMultiplier) = (mlp, mlpHiddenMultiplier)
      (self.activation, self.timesteps) = (activation, timesteps)
    }
  }

  public struct Loss: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
      /// The variational bound with the auxiliary x_0 loss (Gu et al. 2022, Eq. 9 and 10).
      case variational
      /// The cross-entropy of masked tokens (Chang et al. 2022, Eq. 1).
      case maskedCrossEntropy = "masked_cross_entropy"
    }

    public var kind: Kind
    /// Of `variational`: λ, whether it is multiplied by 2 − t/T, and the weights of masked and other positions.
    public var auxiliaryWeight: Double
    public var adaptive: Bool
    public var maskedWeight: Double
    public var unmaskedWeight: Double
    /// Whether timesteps are drawn where the loss is large; of `variational`.
    public var importanceSampling: Bool
    /// Of `masked_cross_entropy`: the share of every target that is spread over all codes.
    public var labelSmoothing: Double

    enum CodingKeys: String, CodingKey {
      case kind, adaptive
      case auxiliaryWeight = "auxiliary_weight"
      case maskedWeight = "masked_weight"
      case unmaskedWeight = "unmasked_weight"
      case importanceSampling = "importance_sampling"
      case labelSmoothing = "label_smoothing"
    }

    public init(
      kind: Kind = .variational, auxiliaryWeight: Double = 5e-4, adaptive: Bool = true, maskedWeight: Double = 1,
      unmaskedWeight: Double = 1, importanceSampling: Bool = true, labelSmoothing: Double = 0
    ) {
      (self.kind, self.auxiliaryWeight, self.adaptive) = (kind, auxiliaryWeight, adaptive)
      (self.maskedWeight, self.unmaskedWeight) = (maskedWeight, unmaskedWeight)
      (self.importanceSampling, self.labelSmoothing) = (importanceSampling, labelSmoothing)
    }
  }

  public var network: Network
  public var kernel: CorruptionKind
  public var loss: Loss
  /// The share of labels replaced by "no class" (Ho & Salimans 2022); 0 makes a model without that class.
  public var labelDropout: Double
  public var optimization: OptimizationSettings
  public var augmentation: AugmentationSettings
  public var reports: ReportSettings

  enum CodingKeys: String, CodingKey {
    case network, kernel, loss, optimization, augmentation, reports
    case labelDropout = "label_dropout"
  }

  public init(
    network: Network, kernel: CorruptionKind = .maskAndReplace, loss: Loss = Loss(), labelDropout: Double = 0.1,
    optimization: OptimizationSettings, augmentation: AugmentationSettings = AugmentationSettings(),
    reports: ReportSettings = ReportSettings()
  ) {
    (self.network, self.kernel, self.loss, self.labelDropout) = (network, kernel, loss, labelDropout)
    (self.optimization, self.augmentation, self.reports) = (optimization, augmentation, reports)
  }

  /// - Throws: `TrainingError.setting`.
  func validate() throws {
    try optimization.validate()
    try TrainingError.require(
      "augmentation.crop_padding", Double(augmentation.cropPadding), "0, since images are encoded once, whole"
    ) { $0 == 0 }
    try reports.validate()
    try TrainingError.require("label_dropout", labelDropout, "0 or more, and below 1") { $0 >= 0 && $0 < 1 }
    try TrainingError.require("loss.label_smoothing", loss.labelSmoothing, "0 or more, and below 1") { $0 >= 0 && $0 < 1 }
    _ = try variationalSettings()
  }

  func variationalSettings() throws -> LossSettings {
    try LossSettings(
      auxiliaryWeight: loss.auxiliaryWeight, isAdaptive: loss.adaptive, maskedWeight: loss.maskedWeight,
      unmaskedWeight: loss.unmaskedWeight)
  }
}
