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
  var task: TrainingRun.Task?

  static let kind = TrainingRun.Task.Kind.refit

  var ownOptions: [String] { [("--model", model != nil), ("--codes", codes != nil)].filter(\.1).map(\.0) }

  func makeTask() throws -> TrainingRun.Task {
    let overlays = try settings.overlays([("--codes", "codes", codes.map(String.init))])
    // No preset has a number of codes.
    guard let codes = try overlays.compactMap({ try $0.integer("codes") }).last else { throw ValidationError("name the --codes") }
    return .refit(try settings.applied(overlays) { $0.refit(codes: codes) }, model: model.map(absolutePath))
  }
}
