extension VQDiffusionPipeline {
  /// The version of this package, as images state it.
  public static let version = "0.1.0"
}
