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

  var ownOptions: [String] { [] }

  func plan() throws -> TrainingPlan {
    let settings = try settings.applied { $0.autoencoder }
    return try TrainingPlan(.autoencoder(settings), settings)
  }

  static func begins(_ task: TrainingRun.Task) -> Bool {
    if case .autoencoder = task { true } else { false }
  }
}
