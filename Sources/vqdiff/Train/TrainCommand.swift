import ArgumentParser
import VQDiffusionTraining

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a model's two stages, one after the other.",
    discussion: """
      First an autoencoder that turns images into tokens (vqvae), then a denoiser that makes such tokens (denoiser). The run's folder \
      holds all that comes of it; its model/ is what --model and --vqvae take, under the name of the run's folder too.
      """,
    subcommands: [TrainAutoencoder.self, TrainDenoiser.self])
}

struct TrainAutoencoder: TrainingCommand {
  static let configuration = CommandConfiguration(
    commandName: "vqvae", abstract: "Train an autoencoder: images to tokens and back.", discussion: trainingDiscussion)

  @OptionGroup var training: TrainingOptions
  @OptionGroup var settings: SettingsOptions
  var task: TrainingRun.Task?

  static let kind = TrainingRun.Task.Kind.autoencoder
  var ownOptions: [String] { [] }

  func makeTask() throws -> TrainingRun.Task { .autoencoder(try settings.applied { $0.autoencoder }) }
}
