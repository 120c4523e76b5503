/// How a denoiser's loss is computed.
public struct DenoiserLossSettings: Codable, Sendable, Equatable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// The variational bound with the auxiliary x_0 loss (Gu et al. 2022, Eq. 9 and 10).
    case variational
    /// The cross-entropy of masked tokens (Chang et al. 2022, Eq. 1).
    case maskedCrossEntropy = "masked_cross_entropy"
  }

  public var kind: Kind
  /// λ of `variational`.
  public var auxiliaryWeight: Double
  /// Whether λ is multiplied by 2 − t/T.
  public var adaptive: Bool
  /// The weight of masked positions in `variational`.
  public var maskedWeight: Double
  /// The weight of the other positions.
  public var unmaskedWeight: Double
  /// Whether `variational` draws timesteps where the loss is large.
  public var importanceSampling: Bool
  /// The share of every target of `masked_cross_entropy` that is spread over all codes.
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

  /// - Throws: `TrainingError.setting`.
  package func validate() throws(TrainingError) {
    try TrainingError.require("loss.label_smoothing", labelSmoothing, "0 or more, and below 1") { $0 >= 0 && $0 < 1 }
    _ = try variational()
  }

  func variational() throws(TrainingError) -> VariationalLossSettings {
    try VariationalLossSettings(
      auxiliaryWeight: auxiliaryWeight, isAdaptive: adaptive, maskedWeight: maskedWeight, unmaskedWeight: unmaskedWeight)
  }
}
