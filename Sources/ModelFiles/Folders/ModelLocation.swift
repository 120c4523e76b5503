import Foundation

/// Where a model's files are.
///
/// A model is this project's folder, a diffusers folder, or a checkpoint of the Microsoft implementation with its YAML configuration.
public struct ModelLocation: Sendable, Equatable {
  /// A folder or a checkpoint file; nil for the built-in model. The folder of a training run stands for the model in it.
  public var url: URL?
  /// The YAML file that describes a checkpoint file.
  public var configuration: URL?
  /// A file with the autoencoder's tensors, where the checkpoint holds none.
  public var autoencoder: URL?
  /// A file with the table from the autoencoder's codes to the denoiser's, where the configuration names one that isn't found.
  public var codebookMap: URL?
  /// Whether a checkpoint's averaged weights are preferred to the last step's.
  public var prefersAveragedWeights = true
  /// Whether guidance leads away from the vectors that a checkpoint holds for "no text"; otherwise from those of the empty text.
  /// Every text model of the public implementation holds such vectors, also those that never learned them. A configuration
  /// that says so (`learnable_cf: False`) is heeded either way.
  public var usesLearnedEmptyText = true

  public init(
    _ url: URL? = nil, configuration: URL? = nil, autoencoder: URL? = nil, codebookMap: URL? = nil,
    prefersAveragedWeights: Bool = true, usesLearnedEmptyText: Bool = true
  ) {
    self.url = url
    self.configuration = configuration
    self.autoencoder = autoencoder
    self.codebookMap = codebookMap
    self.prefersAveragedWeights = prefersAveragedWeights
    self.usesLearnedEmptyText = usesLearnedEmptyText
  }

  /// The model that comes with the package.
  public static let builtIn = ModelLocation()

  /// The files, whatever their layout.
  ///
  /// - Throws: `ModelFileError` for files that aren't there or can't be read, `.invalidLocation` for ones that don't go together;
  ///   `CheckpointError`.
  package func source() throws -> any ModelSource {
    guard let url else { return try ModelFolder(BuiltInModel.folder()) }
    let describesCheckpoint =
      configuration != nil || autoencoder != nil || codebookMap != nil || !prefersAveragedWeights || !usesLearnedEmptyText
    let isFolder = ConfigurationFolder.isFolder(url)
    guard !isFolder || !describesCheckpoint else {
      throw ModelFileError.invalidLocation(
        expected: "a checkpoint file, to go with a YAML file and files of its parts", found: "a folder: \(url.path)")
    }
    let model = isFolder ? Self.modelFolder(in: url) : url
    if isFolder || describesCheckpoint || FileManager.default.fileExists(atPath: url.path) {
      for importer in ModelFamilies.importers {
        if let source = try importer.open(model, isFolder: isFolder, self) { return source }
      }
    }
    return try ModelFolder(ConfigurationFolder(model))
  }

  /// The model of a training run's folder, which is recognised by its run.json; any other folder itself.
  private static func modelFolder(in url: URL) -> URL {
    let isRun = FileManager.default.fileExists(atPath: url.appendingPathComponent("run.json").path)
    return isRun ? url.appendingPathComponent("model") : url
  }
}
