import Foundation
import VQDiffusion

/// A generation from the command line: its request, its files, progress, and the cost at the end.
struct GenerationSession {
  private let arguments: GenerationArguments
  private let pipeline: VQDiffusionPipeline
  private let edit: Edit
  private let request: GenerationRequest
  private var writer: ImageWriter

  /// Checks the request and plans its files.
  ///
  /// - Throws: `PipelineError`, `ModelFileError`, `DiffusionError` for a request that can't be met; `OutputError`.
  init(_ arguments: GenerationArguments, _ pipeline: VQDiffusionPipeline, _ edit: Edit) throws {
    (self.arguments, self.pipeline, self.edit) = (arguments, pipeline, edit)
    let settings = try arguments.sampling.settings(of: pipeline, from: edit.start)
    let subjects = try pipeline.subjects(classes: arguments.classes, prompts: arguments.prompts)
    request = try pipeline.request(
      subjects, negativePrompt: arguments.negativePrompt, count: arguments.count, settings: settings, from: edit.start)
    try arguments.stepOptions.check(steps: settings.steps)
    writer = try ImageWriter(
      pipeline, subjects: subjects, count: arguments.count, settings: settings, edit: edit,
      output: ImageOutput(arguments.output, arguments.imageOptions), steps: arguments.stepOptions)
  }

  /// Makes and writes the images.
  mutating func run() async throws {
    if !arguments.imageOptions.quiet {
      for note in edit.notes + cutTexts { Terminal.report(note) }
      if arguments.sampling.seed == nil { Terminal.report("seed \(request.settings.seed)") }
    }
    var progress = ProgressLine(isQuiet: arguments.imageOptions.quiet)
    defer { progress.clear() }
    var summary = RunSummary()
    for try await event in request.events(reportsExpected: arguments.stepOptions.areAsked) {
      summary.take(event)
      switch event {
      case .step(let step):
        if arguments.stepOptions.isPreviewed(step.progress.step) { progress.clear() }
        try writer.take(step)
        progress.show(step)
      case .images(let images):
        progress.clear()
        try writer.take(images)
      }
    }
    try Task.checkCancellation()
    try writer.finish()
    try report(summary)
  }

  private func report(_ summary: RunSummary) throws {
    if arguments.stats {
      Terminal.report(try summary.json())
    } else if !arguments.imageOptions.quiet, Terminal.isWatched {
      Terminal.report(summary.text)
    }
  }

  /// Notes of texts that the model doesn't read to their end, each once.
  private var cutTexts: [String] {
    var seen: Set<String> = []
    let texts = arguments.prompts + [arguments.negativePrompt].compactMap { $0 }
    return texts.filter { seen.insert($0).inserted && pipeline.texts?.isCut($0) == true }.map { text in
      let line = Terminal.line(text)
      let shown = line.count > 60 ? line.prefix(60) + "…" : line[...]
      return "the model doesn't read to the end of '\(shown)'"
    }
  }
}
