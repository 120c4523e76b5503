import Foundation

/// Where a model's files are.
///
/// A model is this project's folder, a diffusers folder, or a checkpoint of the Microsoft implementation with its YAML configuration.
public struct ModelLocation: Sendable, Equatable {
  /// A folder or a checkpoint file; nil for the built-in model.
  public var url: URL?
  /// The YAML file that describes a checkpoint file.
  public var configuration: URL?
  /// A file with the autoencoder's tensors, where the checkpoint holds none.
  public var autoencoder: URL?
  /// A file with the table from the autoencoder's codes to the denoiser's, where the configuration names one that isn't found.
  public var codebookMap: URL?
  /// Whether a checkpoint's averaged weights are preferred to the last step's.
  public var prefersAveragedWeights = true

  public init(
    _ url: URL? = nil, configuration: URL? = nil, autoencoder: URL? = nil, codebookMap: URL? = nil,
    prefersAveragedWeights: Bool = true
  ) {
    self.url = url
    self.configuration = configuration
    self.autoencoder = autoencoder
    self.codebookMap = codebookMap
    self.prefersAveragedWeights = prefersAveragedWeights
  }

  /// The model that comes with the package.
  public static let builtIn = ModelLocation()

  /// The files, whatever their layout.
  ///
  /// - Throws: `PipelineError` for files that aren't there or can't be read, `.invalidOption` for ones that don't go together;
  ///   `CheckpointError`.
  func source() throws -> any ModelSource {
    guard let url else { return try ModelFolder(BuiltInModel.folder()) }
    guard ConfigurationFolder.isFolder(url) || !FileManager.default.fileExists(atPath: url.path) else {
      return try MicrosoftCheckpoint(url, self)
    }
    guard configuration == nil, autoencoder == nil, codebookMap == nil else {
      throw PipelineError.invalidOption(
        name: "the model", expected: "a checkpoint file, to go with a YAML file and files of its parts",
        found: "a folder: \(url.path)")
    }
    let folder = try ConfigurationFolder(url)
    return DiffusersFolder.isOne(folder) ? DiffusersFolder(folder) : ModelFolder(folder)
  }
}
