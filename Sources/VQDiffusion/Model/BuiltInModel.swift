import Foundation

/// The model that comes with the package.
enum BuiltInModel {
  /// - Throws: `PipelineError.builtInModelMissing`.
  static func folder() throws(PipelineError) -> URL {
    try BundledResources.folder(
      "cifar10", holding: "model_index.json", missing: PipelineError.builtInModelMissing(searched:))
  }
}
