import ArgumentParser
import Foundation
import VQDiffusion

/// Which model.
struct ModelFileOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A model's folder, this project's or diffusers', or a PyTorch checkpoint with --config (the built-in CIFAR-10 model if absent).",
      valueName: "path"))
  var model: String?

  @Option(help: ArgumentHelp("The YAML file that describes a checkpoint.", valueName: "config.yaml"))
  var config: String?

  @Option(help: ArgumentHelp("The autoencoder's checkpoint, where the model's holds none.", valueName: "file"))
  var vqvae: String?

  @Option(
    help: ArgumentHelp(
      "The table from the autoencoder's codes to the denoiser's, if it isn't where the YAML file says.", valueName: "file"))
  var codebookMap: String?

  @Flag(inversion: .prefixedNo, help: "Use a checkpoint's averaged weights where it has them.")
  var ema = true

  func validate() throws {
    for (name, value) in [("--config", config), ("--vqvae", vqvae), ("--codebook-map", codebookMap)]
    where value != nil && model == nil {
      throw ValidationError("\(name) describes a checkpoint: name it with --model")
    }
  }

  var location: ModelLocation {
    func url(_ path: String?) -> URL? { path.map { URL(fileURLWithPath: $0) } }
    return ModelLocation(
      url(model), configuration: url(config), autoencoder: url(vqvae), codebookMap: url(codebookMap),
      prefersAveragedWeights: ema)
  }
}
