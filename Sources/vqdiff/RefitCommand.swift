import ArgumentParser
import VQDiffusionTraining

struct RefitCodebook: TrainingCommand {
  static let configuration = CommandConfiguration(
    commandName: "refit", abstract: "Make an autoencoder's codebook smaller.",
    discussion: """
      The encoded images are clustered into fewer codes; then decoder and codes are trained on, while the encoder stays.
      """ + "\n\n" + trainingDiscussion)

  @OptionGroup var training: TrainingOptions

  @Option(help: ArgumentHelp("The autoencoder: a model's folder or a run's (the built-in model if absent).", valueName: "path"))
  var model: String?

  @Option(help: ArgumentHelp("Codes of the new codebook.", valueName: "K"))
  var codes: Int?

  @OptionGroup var settings: SettingsOptions

  var ownOptions: [String] { [("--model", model != nil), ("--codes", codes != nil)].filter(\.1).map(\.0) }

  func plan() throws -> TrainingPlan {
    let settings = try settings.applied([("--codes", "codes", codes.map(String.init))], required: ["codes"]) {
      // Replaced, as it is required.
      $0.refit(codes: 2)
    }
    return try TrainingPlan(.refit(settings, model: model.map(absolutePath)), settings)
  }

  static func begins(_ task: TrainingRun.Task) -> Bool {
    if case .refit = task { true } else { false }
  }
}
