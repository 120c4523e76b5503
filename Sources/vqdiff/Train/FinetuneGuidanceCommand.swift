import ArgumentParser
import VQDiffusionTraining

struct FinetuneGuidance: TrainingCommand {
  static let configuration = CommandConfiguration(
    commandName: "finetune-guidance", abstract: "Teach a class-conditional model \"no class\", for guidance.",
    discussion: """
      The denoiser is trained on with a share of the labels dropped, so that guidance can lead away from images of any class.
      """ + "\n\n" + trainingDiscussion)

  @OptionGroup var training: TrainingOptions

  @Option(help: ArgumentHelp("The model: its folder or a run's (the built-in model if absent).", valueName: "path"))
  var model: String?

  @Option(help: "What stands for \"no class\": a vector that is learned, or one that stays, the classes' mean (empty).")
  var empty: GuidanceSettings.Empty?

  @OptionGroup var settings: SettingsOptions
  var task: TrainingRun.Task?

  static let kind = TrainingRun.Task.Kind.guidance

  var ownOptions: [String] { [("--model", model != nil), ("--empty", empty != nil)].filter(\.1).map(\.0) }

  func makeTask() throws -> TrainingRun.Task {
    let settings = try settings.applied([("--empty", "empty", empty?.rawValue)]) { $0.guidance }
    return .guidance(settings, model: model.map(absolutePath))
  }
}

extension GuidanceSettings.Empty: ExpressibleByArgument {}
