import TrainingCore
import VQVAE

/// How an autoencoder is trained.
public struct AutoencoderSettings: Codable, Sendable, Equatable {
  /// How codes change.
  public enum CodebookKind: String, Codable, Sendable, CaseIterable {
    /// By the gradient of the codebook's loss (van den Oord et al. 2017, Eq. 3).
    case gradient
    /// As the moving average of the latents that go to them (appendix A.1 there).
    case average
  }

  public typealias Reconstruction = ReconstructionFactors

  public struct Codebook: Codable, Sendable, Equatable {
    public var kind: CodebookKind
    /// β of the quantiser's loss.
    public var commitment: Double
    /// Whether β weights the codebook's term, as in the public VQGAN code, instead of the latents'; of `gradient`.
    public var legacyWeighting: Bool
    /// Whether latents and codes are compared by angle, both normalised; of `average`.
    public var cosine: Bool
    /// The moving average's decay.
    public var decay: Double
    /// The Laplace smoothing's ε.
    public var smoothing: Double
    /// Codes that get less than this share of the mean number of latents start anew; 0 for never. Of `average`.
    public var restartShare: Double
    /// The step before which latents reach the decoder unquantised. Then codes begin as the clusters of latents found by k-means.
    public var startStep: Int
    /// Latents that k-means clusters, as multiples of K.
    public var clusteredLatents: Int

    enum CodingKeys: String, CodingKey {
      case kind, commitment, cosine, decay, smoothing
      case legacyWeighting = "legacy_weighting"
      case restartShare = "restart_share"
      case startStep = "start_step"
      case clusteredLatents = "clustered_latents"
    }

    public init(
      kind: CodebookKind = .average, commitment: Double = 0.25, legacyWeighting: Bool = false, cosine: Bool = false,
      decay: Double = 0.99, smoothing: Double = 1e-5, restartShare: Double = 0.03, startStep: Int = 0, clusteredLatents: Int = 64
    ) {
      (self.kind, self.commitment, self.legacyWeighting, self.cosine) = (kind, commitment, legacyWeighting, cosine)
      (self.decay, self.smoothing, self.restartShare) = (decay, smoothing, restartShare)
      (self.startStep, self.clusteredLatents) = (startStep, clusteredLatents)
    }
  }

  public var network: TamingVQGANConfiguration
  public var optimization: OptimizationSettings
  public var reconstruction: Reconstruction
  public var codebook: Codebook
  public var augmentation: AugmentationSettings
  public var reports: ReportSettings

  public init(
    network: TamingVQGANConfiguration, optimization: OptimizationSettings, reconstruction: Reconstruction = Reconstruction(),
    codebook: Codebook = Codebook(), augmentation: AugmentationSettings = AugmentationSettings(),
    reports: ReportSettings = ReportSettings()
  ) {
    (self.network, self.optimization, self.reconstruction) = (network, optimization, reconstruction)
    (self.codebook, self.augmentation, self.reports) = (codebook, augmentation, reports)
  }

  /// - Throws: `VQVAEError.invalidConfiguration`, `TrainingError.setting`.
  func validate() throws {
    try network.validate()
    if let quantizer = network.quantizer {
      throw VQVAEError.invalidConfiguration(
        field: "network.quantizer", expected: "absent: codebook says how codes are chosen", found: quantizer.rawValue)
    }
    try training.validate()
  }

  var training: AutoencoderTraining {
    AutoencoderTraining(
      optimization: optimization, reconstruction: reconstruction, codebook: codebook, augmentation: augmentation, reports: reports
    )
  }
}

/// How an autoencoder is trained, whatever its network.
struct AutoencoderTraining {
  let optimization: OptimizationSettings
  let reconstruction: ReconstructionFactors
  let codebook: AutoencoderSettings.Codebook
  let augmentation: AugmentationSettings
  let reports: ReportSettings

  /// - Throws: `TrainingError.setting`, `.state`.
  func validate() throws(TrainingError) {
    try optimization.validate()
    try augmentation.validate()
    try reports.validate()
    for (name, factor) in [
      ("reconstruction.absolute", reconstruction.absolute), ("reconstruction.squared", reconstruction.squared),
      ("reconstruction.difference", reconstruction.difference), ("codebook.commitment", codebook.commitment),
    ] {
      try TrainingError.require(name, factor, "0 or more") { $0 >= 0 && $0.isFinite }
    }
    try TrainingError.require("codebook.restart_share", codebook.restartShare, "0 or more, and below 1") { $0 >= 0 && $0 < 1 }
    try TrainingError.require("codebook.start_step", Double(codebook.startStep), "0 or more, and below optimization.steps") {
      $0 >= 0 && $0 < Double(optimization.steps)
    }
    try TrainingError.require("codebook.clustered_latents", Double(codebook.clusteredLatents), "in 1...65536") {
      (1...65536).contains($0)
    }
    try TrainingError.require("codebook.decay", codebook.decay, "0 or more, and below 1") { $0 >= 0 && $0 < 1 }
    try TrainingError.require("codebook.smoothing", codebook.smoothing, "above 0") { $0 > 0 && $0.isFinite }
    guard codebook.kind == .average || !codebook.cosine else {
      throw TrainingError.state(name: "codebook.cosine", expected: "false with codes that gradients train", found: "true")
    }
  }
}
