import ArgumentParser
import Foundation
import VQDiffusion

/// Which model.
struct ModelFileOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      A model's folder, this project's or diffusers', a training run's folder, or a PyTorch checkpoint with --config (the built-in \
      CIFAR-10 model if absent).
      """,
      valueName: "path"))
  var model: String?

  @OptionGroup var checkpoint: CheckpointOptions

  func validate() throws { try checkpoint.validate(describing: model, "with --model") }

  var location: ModelLocation { checkpoint.location(of: model) }
}

/// What goes with a checkpoint file to make it a model.
struct CheckpointOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The YAML file that describes a checkpoint.", valueName: "config.yaml"))
  var config: String?

  @Option(help: ArgumentHelp("The autoencoder's file, where the checkpoint holds none.", valueName: "file"))
  var vqvae: String?

  @Option(
    help: ArgumentHelp(
      "The table from the autoencoder's codes to the denoiser's, if it isn't where the YAML file says, nor beside that.",
      valueName: "file"))
  var codebookMap: String?

  @Flag(inversion: .prefixedNo, help: "Use a checkpoint's averaged weights where it has them.")
  var ema = true

  @Flag(
    inversion: .prefixedNo,
    help: "Guide away from the vectors that a checkpoint learned for \"no text\", not from those of the empty text.")
  var learnedEmptyText = true

  /// The options that were given.
  var given: [String] {
    [
      ("--config", config != nil), ("--vqvae", vqvae != nil), ("--codebook-map", codebookMap != nil), ("--no-ema", !ema),
      ("--no-learned-empty-text", !learnedEmptyText),
    ].filter(\.1).map(\.0)
  }

  /// - Parameters:
  ///   - path: the checkpoint.
  ///   - means: how the user names it.
  func validate(describing path: String?, _ means: String) throws {
    if path == nil, let option = given.first { throw ValidationError("\(option) is about a checkpoint: name it \(means)") }
  }

  func location(of path: String?) -> ModelLocation {
    func url(_ path: String?) -> URL? { path.map { URL(fileURLWithPath: $0) } }
    return ModelLocation(
      url(path), configuration: url(config), autoencoder: url(vqvae), codebookMap: url(codebookMap),
      prefersAveragedWeights: ema, usesLearnedEmptyText: learnedEmptyText)
  }
}

extension ModelFileError {
  /// The option that names what is missing.
  var option: String? {
    switch self {
    case .configurationMissing: "--config"
    case .missingAutoencoder: "--vqvae"
    case .missingCodebookMap: "--codebook-map"
    default: nil
    }
  }
}
