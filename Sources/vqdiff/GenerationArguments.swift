import ArgumentParser
import Foundation
import VQDiffusion

/// What the commands that make images have in common: the request, and how it is met.
struct GenerationArguments: ParsableArguments {
  @Option(
    name: [.customLong("class"), .customShort("c")], parsing: .upToNextOption,
    help: "Classes, each by name, start of a name, WordNet id or index; 'all' for every class.")
  var classes: [String] = []

  @Option(
    name: [.customLong("prompt"), .customShort("p")], parsing: .singleValue,
    help: "A text that says what is to be seen, for models that take texts; may be repeated.")
  var prompts: [String] = []

  @Option(help: "A text that guidance leads away from, instead of from no text.")
  var negativePrompt: String?

  @Option(name: [.long, .customShort("n")], help: "Images of each class or text.")
  var count = 1

  @Option(
    name: .shortAndLong,
    help: "A file, a folder (gets CLASS/000.png … or TEXT/000.png …) or a pattern such as image-%03d.png.")
  var output = "output"

  @OptionGroup var stepOptions: StepOptions

  @Flag(help: "Say in the end what it cost, as a line of JSON on standard error.")
  var stats = false

  @OptionGroup var sampling: SamplingArguments
  @OptionGroup var imageOptions: ImageOutputOptions
  @OptionGroup var modelOptions: ModelOptions

  func validate() throws {
    guard count >= 1 else { throw ValidationError("--count must be 1 or more, found \(count)") }
    // Classes that only the model knows ("all") are counted once it is loaded.
    guard classes.isEmpty || prompts.isEmpty else { throw ValidationError("--class and --prompt are of different models") }
    let (images, isTooMany) = count.multipliedReportingOverflow(by: max(1, classes.count, prompts.count))
    try OutputError.asUsage { () throws(OutputError) in
      let output = try ImageOutput(output, imageOptions)
      try output.check(images: isTooMany ? .max : images)
      try stepOptions.check(images: isTooMany ? .max : images, isGrid: output.isGrid)
    }
  }

  /// Makes the images.
  ///
  /// - Parameter edit: what they are made from, once the model is known.
  func run(from edit: (VQDiffusionPipeline) throws -> Edit = { _ in Edit() }) async throws {
    try modelOptions.apply()
    let pipeline = try modelOptions.pipeline()
    let edit = try edit(pipeline)
    let settings = try sampling.settings(of: pipeline, from: edit.start)
    let subjects = try pipeline.subjects(classes: classes, prompts: prompts)
    try pipeline.check(subjects, negativePrompt: negativePrompt, count: count, settings: settings, from: edit.start)
    try stepOptions.check(steps: settings.steps)
    var writer = try ImageWriter(
      pipeline, subjects: subjects, count: count, settings: settings, edit: edit, output: ImageOutput(output, imageOptions),
      steps: stepOptions)
    if !imageOptions.quiet {
      for note in edit.notes { Terminal.report(note) }
      for note in Self.notes(of: prompts + [negativePrompt].compactMap { $0 }, for: pipeline) { Terminal.report(note) }
      if sampling.seed == nil { Terminal.report("seed \(settings.seed)") }
    }
    let events = try pipeline.generation(
      subjects, negativePrompt: negativePrompt, count: count, settings: settings, from: edit.start,
      reportsExpected: stepOptions.areAsked)
    try await follow(events, writer: &writer)
  }

  /// Texts that the model doesn't read to their end, each told of once.
  private static func notes(of texts: [String], for pipeline: VQDiffusionPipeline) -> [String] {
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted && pipeline.texts?.isCut($0) == true }.map { text in
      let line = Terminal.line(text)
      let shown = line.count > 60 ? line.prefix(60) + "…" : line[...]
      return "the model doesn't read to the end of '\(shown)'"
    }
  }

  /// Shows the progress, writes what is finished, and says what it cost.
  private func follow(_ events: AsyncThrowingStream<GenerationEvent, any Error>, writer: inout ImageWriter) async throws {
    var progress = ProgressLine(isQuiet: imageOptions.quiet)
    defer { progress.clear() }
    var summary = RunSummary()
    for try await event in events {
      summary.take(event)
      switch event {
      case .step(let step):
        if stepOptions.isPreviewed(step.progress.step) { progress.clear() }
        try writer.take(step)
        progress.show(step)
      case .images(let images):
        progress.clear()
        try writer.take(images)
      }
    }
    try Task.checkCancellation()
    try writer.finish()
    if stats {
      Terminal.report(try summary.json())
    } else if !imageOptions.quiet, Terminal.isWatched {
      Terminal.report(summary.text)
    }
  }
}
