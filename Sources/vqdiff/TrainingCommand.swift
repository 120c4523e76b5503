import ArgumentParser
import Foundation
import VQDiffusionTraining

/// A command that trains something in a folder of its own, or goes on with that.
protocol TrainingCommand: AsyncParsableCommand {
  var training: TrainingOptions { get }
  var settings: SettingsOptions { get }

  /// Those of the command's own options that were given.
  var ownOptions: [String] { get }

  /// What the options ask for.
  ///
  /// - Throws: `TrainingRunError.invalidSettings`, `ValidationError`, or what is wrong with a setting.
  func plan() throws -> TrainingPlan

  /// Whether this command began a run that does such a task.
  static func begins(_ task: TrainingRun.Task) -> Bool
}

/// What is to be trained.
struct TrainingPlan {
  let task: TrainingRun.Task
  /// The settings as a file would hold them.
  let json: String

  init(_ task: TrainingRun.Task, _ settings: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    (self.task, json) = (task, String(decoding: try encoder.encode(settings), as: UTF8.self))
  }
}

extension TrainingCommand {
  func validate() throws {
    guard training.resume == nil else {
      let others = training.given + ownOptions + settings.given
      guard let first = others.first else { return }
      throw ValidationError("--resume goes on with a run as it was begun, but for --threads and --quiet: found \(first)")
    }
    do {
      try TrainingRun(plan().task, images: URL(fileURLWithPath: "")).validate()
    } catch let error as ValidationError {
      throw error
    } catch {
      throw ValidationError(Terminal.line(Terminal.describe(error)))
    }
  }

  func run() async throws {
    ModelOptions.log(.warning)
    try training.threads.apply()
    if let folder = training.resume {
      let run = try TrainingRun(begunIn: URL(fileURLWithPath: folder))
      guard Self.begins(run.task) else {
        throw TrainingRunError.differentRun(
          folder: folder, setting: "been begun by", expected: "vqdiff \(run.task.command)", found: "vqdiff \(Self.commandPath)")
      }
      return try await TrainingSession(run, folder: folder, isQuiet: training.quiet).resume()
    }
    let plan = try plan()
    if training.dryRun { return try Terminal.output(plan.json) }
    guard let images = training.images, let output = training.output else { return }
    let run = TrainingRun(
      plan.task, images: URL(fileURLWithPath: images), validation: training.validation.map { URL(fileURLWithPath: $0) })
    try await TrainingSession(run, folder: output, isQuiet: training.quiet).begin()
  }

  private static var commandPath: String {
    let name = configuration.commandName ?? ""
    return ["vqvae", "denoiser"].contains(name) ? "train \(name)" : name
  }
}

extension TrainingRun.Task {
  /// The command that does it, without the program's name.
  var command: String {
    switch self {
    case .autoencoder: "train vqvae"
    case .denoiser: "train denoiser"
    case .refit: "refit"
    case .guidance: "finetune-guidance"
    }
  }
}
