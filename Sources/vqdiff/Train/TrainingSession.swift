import Foundation
import VQDiffusion
import VQDiffusionTraining

/// A run from the command line: progress, what came of it, and how to go on.
struct TrainingSession {
  private let run: TrainingRun
  /// As the user wrote it.
  private let folder: String
  private let isQuiet: Bool
  private let progress: TrainingProgress

  init(_ run: TrainingRun, folder: String, isQuiet: Bool) {
    (self.run, self.folder, self.isQuiet) = (run, folder, isQuiet)
    progress = TrainingProgress(isQuiet: isQuiet)
  }

  private var url: URL { URL(fileURLWithPath: folder) }

  func begin() async throws { try await follow { try await run.begin(in: url, report: $0) } }

  func resume() async throws { try await follow { try await TrainingRun.resume(in: url, report: $0) } }

  private func follow(_ work: (@escaping @Sendable (TrainingEvent) -> Void) async throws -> TrainingSummary) async throws {
    let summary: TrainingSummary
    do {
      summary = try await work { [progress] in progress.take($0) }
    } catch {
      progress.clear()
      if error is CancellationError, (try? TrainingRun(begunIn: url)) != nil {
        let state = progress.hasCheckpoint ? "saved" : "stopped"
        Terminal.report("\(state); go on with vqdiff \(run.task.kind.command) --resume \(quoted(folder))")
      }
      throw error
    }
    if !isQuiet { try tell(summary) }
  }

  private func tell(_ summary: TrainingSummary) throws {
    try Terminal.output(
      summary.values.map { "\($0.name) \(TrainingProgress.number($0.value))" }.joined(separator: ", "))
    if summary.unreadable > 0 {
      try Terminal.output("left out \(summary.unreadable) image\(summary.unreadable == 1 ? "" : "s") that can't be read")
    }
    try tellCodeUsage(of: summary.model)
    try Terminal.output("wrote \(Terminal.line(URL(fileURLWithPath: folder).appendingPathComponent("model").relativePath))")
    try Terminal.output("next: vqdiff \(next)")
  }

  /// The run has succeeded, whatever becomes of this.
  private func tellCodeUsage(of model: URL) throws {
    do {
      guard let usage = try run.codeUsage(of: model) else { return }
      try Terminal.output(
        "\(usage.codes) codes: \(usage.used) used, \(usage.usedTenTimes) ten times or more, "
          + "perplexity \(TrainingProgress.number(usage.perplexity))")
    } catch let error as OutputError {
      throw error
    } catch {
      Terminal.report("the codebook's use can't be told: \(Terminal.line(Terminal.describe(error)))")
    }
  }

  /// The command that uses what has been trained.
  private var next: String {
    run.task.kind.trainsAutoencoder
      ? "train denoiser --images \(quoted(run.images)) --vqvae \(quoted(folder)) --output NEW_FOLDER"
      : "generate --model \(quoted(folder))"
  }

  /// A path as a shell takes it.
  private func quoted(_ path: String) -> String {
    let path = Terminal.line(path)
    let isPlain = path.allSatisfy { $0.isLetter || $0.isNumber || "/._-+,".contains($0) }
    return isPlain ? path : "'" + path.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }
}
