import ArgumentParser
import Foundation
import VQDiffusionTraining

let trainingDiscussion = """
  Settings are a preset's, with those of a JSON or YAML file (--config), then those of options laid over them; --dry-run prints all of \
  them, as such a file holds them. Ctrl-C saves the run. --resume goes on with it, and ends with the same bits as without a break.
  """

/// What a training run needs besides its settings.
struct TrainingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Images to train on: a folder of them, or of folders of images, a class each, or CIFAR-10's binary files.",
      valueName: "path"))
  var images: String?

  @Option(help: ArgumentHelp("Images to look at from time to time, without training on them.", valueName: "path"))
  var validation: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("The run's folder, which must be new or empty.", valueName: "folder"))
  var output: String?

  @Option(help: ArgumentHelp("Go on with the run in this folder, as it was begun.", valueName: "folder"))
  var resume: String?

  @Flag(help: "Check the settings and print them as JSON; train nothing.")
  var dryRun = false

  @Flag(help: "No progress, no summary.")
  var quiet = false

  @OptionGroup var threads: ThreadOptions

  /// The options that were given, apart from those that go with --resume.
  var given: [String] {
    [("--images", images != nil), ("--validation", validation != nil), ("--output", output != nil), ("--dry-run", dryRun)]
      .filter(\.1).map(\.0)
  }

  func validate() throws {
    guard resume == nil, !dryRun else { return }
    if images == nil { throw ValidationError("name the --images to train on, or a run to --resume") }
    if output == nil { throw ValidationError("name the run's folder with --output") }
  }
}

/// Where a run's settings come from.
struct SettingsOptions: ParsableArguments {
  @Option(help: "The settings to begin with (the --config's preset, or cifar10, if absent).")
  var preset: TrainingPreset?

  @Option(help: ArgumentHelp("A JSON or YAML file of settings that differ from the preset's.", valueName: "file"))
  var config: String?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Any one setting, such as optimization.batch=32; may be repeated.", valueName: "name=value"))
  var assignments: [String] = []

  @Option(help: "Steps of the whole run (optimization.steps).")
  var steps: Int?

  @Option(help: "Images of a batch (optimization.batch).")
  var batch: Int?

  @Option(help: "The highest learning rate (optimization.learning_rate).")
  var learningRate: Double?

  @Option(help: "The seed of all randomness (optimization.seed).")
  var seed: UInt64?

  /// The options that were given.
  var given: [String] {
    [
      ("--preset", preset != nil), ("--config", config != nil), ("--set", !assignments.isEmpty), ("--steps", steps != nil),
      ("--batch", batch != nil), ("--learning-rate", learningRate != nil), ("--seed", seed != nil),
    ].filter(\.1).map(\.0)
  }

  /// A preset's settings with everything laid over them.
  ///
  /// - Parameter options: a command's own ones: option, name of the setting, value.
  /// - Throws: `TrainingRunError.invalidSettings`.
  func applied<Settings: Codable>(
    _ options: [SettingOption] = [], to base: (TrainingPreset) -> Settings
  ) throws -> Settings {
    try applied(overlays(options), to: base)
  }

  /// The same with overlays that were read before.
  func applied<Settings: Codable>(
    _ overlays: [SettingsOverlay], to base: (TrainingPreset) -> Settings
  ) throws -> Settings {
    let preset = preset ?? overlays.lazy.compactMap(\.preset).first ?? .cifar10
    return try overlays.reduce(base(preset)) { try $1.applied(to: $0) }
  }

  /// An option, the name of its setting, and its value.
  typealias SettingOption = (option: String, name: String, value: String?)

  /// Everything that is laid over a preset, in order: the file, options, single settings.
  func overlays(_ options: [SettingOption]) throws -> [SettingsOverlay] {
    let file = try config.map { try SettingsOverlay(contentsOf: URL(fileURLWithPath: $0)) }
    let shared: [SettingOption] = [
      ("--steps", "optimization.steps", steps.map { "\($0)" }), ("--batch", "optimization.batch", batch.map { "\($0)" }),
      ("--learning-rate", "optimization.learning_rate", learningRate.map { "\($0)" }),
      ("--seed", "optimization.seed", seed.map { "\($0)" }),
    ]
    let given = try (shared + options).compactMap { option, name, value in
      try value.map { try SettingsOverlay(name, $0, origin: option) }
    }
    return try (file.map { [$0] } ?? []) + given + assignments.map { try SettingsOverlay(assignment: $0, origin: "--set") }
  }
}

extension TrainingPreset: ExpressibleByArgument {}

/// A path that means the same from any folder, as a run may be resumed in another one.
func absolutePath(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
