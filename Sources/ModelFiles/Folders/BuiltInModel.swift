import Foundation

/// The model that comes with the package.
enum BuiltInModel {
  /// - Throws: `ModelFileError.builtInModelMissing`.
  static func folder() throws(ModelFileError) -> URL {
    try BundledResources.folder(
      "cifar10", holding: "model_index.json", missing: ModelFileError.builtInModelMissing(searched:))
  }
}
