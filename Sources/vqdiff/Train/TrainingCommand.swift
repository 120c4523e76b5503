import ArgumentParser
import Foundation
import VQDiffusionTraining

/// A command that begins a training run in a folder of its own, or resumes one.
protocol TrainingCommand: AsyncParsableCommand {
  /// The kind of runs that the command begins.
  static var kind: TrainingRun.Task.Kind { get }

  var training: TrainingOptions { get }
  var settings: SettingsOptions { get }

  /// The task that the options ask for, once they are validated; nil where a run is resumed. No option of the command line.
  var task: TrainingRun.Task? { get set }

  /// Those of the command's own options that were given.
  var ownOptions: [String] { get }

  /// Reads the task off the options.
  ///
  /// - Throws: `TrainingRunError.invalidSettings`, `ValidationError`, or what is wrong with a setting.
  func makeTask() throws -> TrainingRun.Task
}

extension TrainingCommand {
  mutating func validate() throws {
    guard training.resume == nil else {
      let others = training.given + ownOptions + settings.given
      guard let first = others.first else { return }
      throw ValidationError("--resume goes on with a run as it was begun, but for --threads and --quiet: found \(first)")
    }
    do {
      let task = try makeTask()
      try TrainingRun(task, images: URL(fileURLWithPath: "")).validate()
      self.task = task
    } catch let error as ValidationError {
      throw error
    } catch {
      throw ValidationError(Terminal.line(Terminal.describe(error)))
    }
  }

  func run() async throws {
    ModelOptions.log(.warning)
    try training.threads.apply()
    if let folder = training.resume { return try await resume(folder) }
    guard let task else { return }
    if training.dryRun { return try Terminal.output(task.settingsJSON()) }
    guard let images = training.images, let output = training.output else { return }
    let run = TrainingRun(
      task, images: URL(fileURLWithPath: images), validation: training.validation.map { URL(fileURLWithPath: $0) })
    try await TrainingSession(run, folder: output, isQuiet: training.quiet).begin()
  }

  private func resume(_ folder: String) async throws {
    let run = try TrainingRun(begunIn: URL(fileURLWithPath: folder))
    guard run.task.kind == Self.kind else {
      throw TrainingRunError.differentRun(
        folder: folder, setting: "been begun by", expected: "vqdiff \(run.task.kind.command)",
        found: "vqdiff \(Self.kind.command)")
    }
    try await TrainingSession(run, folder: folder, isQuiet: training.quiet).resume()
  }
}

extension TrainingRun.Task.Kind {
  /// The command that begins such runs, without the program's name.
  var command: String {
    switch self {
    case .autoencoder: "train vqvae"
    case .denoiser: "train denoiser"
    case .refit: "refit"
    case .guidance: "finetune-guidance"
    }
  }
}
