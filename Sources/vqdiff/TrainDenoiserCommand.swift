import ArgumentParser
import VQDiffusion
import VQDiffusionTraining

struct TrainDenoiser: TrainingCommand {
  static let configuration = CommandConfiguration(
    commandName: "denoiser", abstract: "Train a denoiser on the tokens of an autoencoder.", discussion: trainingDiscussion)

  @OptionGroup var training: TrainingOptions

  @Option(help: ArgumentHelp("The autoencoder: a model's folder or a run's (the built-in model's if absent).", valueName: "path"))
  var vqvae: String?

  @Option(help: "How tokens are corrupted (kernel).")
  var kernel: CorruptionKind?

  @Option(help: "What is minimised (loss.kind).")
  var loss: DenoiserSettings.Loss.Kind?

  @OptionGroup var settings: SettingsOptions

  var ownOptions: [String] {
    [("--vqvae", vqvae != nil), ("--kernel", kernel != nil), ("--loss", loss != nil)].filter(\.1).map(\.0)
  }

  func plan() throws -> TrainingPlan {
    let settings = try settings.applied([("--kernel", "kernel", kernel?.rawValue), ("--loss", "loss.kind", loss?.rawValue)]) {
      $0.denoiser
    }
    return try TrainingPlan(.denoiser(settings, autoencoder: vqvae.map(absolutePath)), settings)
  }

  static func begins(_ task: TrainingRun.Task) -> Bool {
    if case .denoiser = task { true } else { false }
  }
}

extension CorruptionKind: ExpressibleByArgument {}
extension DenoiserSettings.Loss.Kind: ExpressibleByArgument {}
