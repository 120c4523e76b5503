import Evaluation
import Foundation
import Images

/// How good generated images are, and how these numbers came about. `docs/evaluation.md` tells what each number means.
public struct EvaluationReport: Sendable, Codable, Equatable {
  /// What the features are.
  public let features: String
  /// What the sets are called: a folder or a file.
  public let realName: String
  public let generatedName: String
  public let quality: FlooredComparison
  /// Nil where features were given instead of images.
  public let realCodes: CodeUsage?
  public let generatedCodes: CodeUsage?
  /// Files of the folders that weren't taken for images: previews and animations. Nil where features were given.
  public let realLeftOut: Int?
  public let generatedLeftOut: Int?
  /// The seed of all random subsets.
  public let seed: UInt64

  /// Compares sets of features of any one origin.
  ///
  /// - Parameter features: what they are.
  /// - Throws: `EvaluationError`.
  public init(
    real: FeatureSet, generated: FeatureSet, features: String, options: FeatureComparison.Options = .init()
  ) throws(EvaluationError) {
    try self.init(real: real, generated: generated, features: features, images: nil, options: options)
  }

  fileprivate init(
    real: FeatureSet, generated: FeatureSet, features: String, images: (real: ImageSummary, generated: ImageSummary)?,
    options: FeatureComparison.Options
  ) throws(EvaluationError) {
    quality = try FlooredComparison(real: real, generated: generated, options)
    self.features = features
    (realName, generatedName) = (real.name, generated.name)
    (realCodes, generatedCodes) = (images?.real.codeUsage, images?.generated.codeUsage)
    (realLeftOut, generatedLeftOut) = (images?.real.leftOut, images?.generated.leftOut)
    seed = options.kernel.seed
  }
}

extension ImageCodec {
  /// What the features of this codec are called: they aren't Inception's, so no distance between them is an FID.
  static let featureName = "pooled VQ encoder features"

  /// Compares two sets of images by pooled features of the VQ encoder.
  ///
  /// - Throws: `EvaluationError`.
  public func evaluate(
    real: ImageSummary, generated: ImageSummary, options: FeatureComparison.Options = .init()
  ) throws(EvaluationError) -> EvaluationReport {
    try EvaluationReport(
      real: real.features, generated: generated.features, features: Self.featureName,
      images: (real, generated), options: options)
  }

  /// Compares the PNG and JPEG images below two folders by pooled features of the VQ encoder. It takes seconds to minutes and may be
  /// stopped by cancelling the task while images are encoded.
  ///
  /// - Throws: as `summary(ofImagesIn:)`; `EvaluationError`.
  public func evaluate(
    real: URL, generated: URL, options: FeatureComparison.Options = .init()
  ) throws -> EvaluationReport {
    try options.validate()
    return try evaluate(
      real: summary(ofImagesIn: real), generated: summary(ofImagesIn: generated), options: options)
  }
}

extension VQDiffusionPipeline {
  /// Compares the images below two folders by this model's VQ encoder (see `ImageCodec.evaluate(real:generated:options:)`).
  public func evaluate(
    real: URL, generated: URL, options: FeatureComparison.Options = .init()
  ) throws -> EvaluationReport {
    try codec.evaluate(real: real, generated: generated, options: options)
  }

  /// Compares generated images with real ones by this model's VQ encoder.
  ///
  /// - Throws: `ImageError.wrongSize`, `EvaluationError`, `CancellationError`.
  public func evaluate(
    real: [RGBImage], generated: [RGBImage], options: FeatureComparison.Options = .init()
  ) throws -> EvaluationReport {
    try codec.evaluate(
      real: codec.summary(of: real, name: "the real images"),
      generated: codec.summary(of: generated, name: "the generated images"), options: options)
  }
}
