import ArgumentParser
import VQDiffusion
import VQDiffusionTraining

struct TrainDenoiser: TrainingCommand {
  static let configuration = CommandConfiguration(
    commandName: "denoiser", abstract: "Train a denoiser on the tokens of an autoencoder.", discussion: trainingDiscussion)

  @OptionGroup var training: TrainingOptions

  @Option(help: ArgumentHelp("The autoencoder: a model's folder or a run's (the built-in model's if absent).", valueName: "path"))
  var vqvae: String?

  @Option(name: .customLong("kernel"), help: "How tokens are corrupted (kernel).")
  var corruption: CorruptionKind?

  @Option(help: "What is minimised (loss.kind).")
  var loss: DenoiserSettings.Loss.Kind?

  @OptionGroup var settings: SettingsOptions
  var task: TrainingRun.Task?

  static let kind = TrainingRun.Task.Kind.denoiser

  var ownOptions: [String] {
    [("--vqvae", vqvae != nil), ("--kernel", corruption != nil), ("--loss", loss != nil)].filter(\.1).map(\.0)
  }

  func makeTask() throws -> TrainingRun.Task {
    let options = [("--kernel", "kernel", corruption?.rawValue), ("--loss", "loss.kind", loss?.rawValue)]
    return .denoiser(try settings.applied(options) { $0.denoiser }, autoencoder: vqvae.map(absolutePath))
  }
}

extension CorruptionKind: ExpressibleByArgument {}
extension DenoiserSettings.Loss.Kind: ExpressibleByArgument {}
