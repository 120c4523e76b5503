import ArgumentParser
import Foundation
import VQDiffusion

struct Generate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make images.",
    discussion: """
      Image i of a request draws from seed + i and says so in its metadata, so that --count 1 with that seed and the same \
      settings makes it again. Settings that aren't given are the model's own. Existing files are replaced.
      """)

  @Option(
    name: [.customLong("class"), .customShort("c")], parsing: .upToNextOption,
    help: "Classes, each by name, start of a name or index; 'all' for every class.")
  var classes: [String] = []

  @Option(name: [.long, .customShort("n")], help: "Images of each class.")
  var count = 1

  @Option(
    name: .shortAndLong,
    help: "A file, a folder (gets CLASS/000.png …) or a pattern such as image-%03d.png.")
  var output = "output"

  @Flag(help: "Say in the end what it cost, as a line of JSON on standard error.")
  var stats = false

  @OptionGroup var sampling: SamplingArguments
  @OptionGroup var imageOptions: ImageOutputOptions
  @OptionGroup var modelOptions: ModelOptions

  func validate() throws {
    guard count >= 1 else { throw ValidationError("--count must be 1 or more, found \(count)") }
    // Classes that only the model knows ("all") are counted once it is loaded.
    let (images, isTooMany) = count.multipliedReportingOverflow(by: max(1, classes.count))
    try OutputError.asUsage { () throws(OutputError) in
      try ImageOutput(output, imageOptions).check(images: isTooMany ? .max : images)
    }
  }

  func run() async throws {
    try modelOptions.apply()
    let pipeline = try modelOptions.pipeline()
    let settings = try sampling.settings(of: pipeline)
    let labels = try pipeline.labels(classes)
    try pipeline.check(labels: labels, count: count, settings: settings)
    var writer = try ImageWriter(
      pipeline, labels: labels, count: count, settings: settings, output: ImageOutput(output, imageOptions))
    if sampling.seed == nil, !imageOptions.quiet { Terminal.report("seed \(settings.seed)") }
    var progress = ProgressLine(isQuiet: imageOptions.quiet)
    defer { progress.clear() }
    var summary = RunSummary()
    for try await event in try pipeline.generation(labels: labels, count: count, settings: settings) {
      summary.take(event)
      switch event {
      case .step(let step): progress.show(step)
      case .images(let images):
        progress.clear()
        try writer.take(images)
      }
    }
    try Task.checkCancellation()
    try writer.finish()
    if stats {
      Terminal.report(try summary.json())
    } else if !imageOptions.quiet {
      Terminal.report(summary.text)
    }
  }
}
