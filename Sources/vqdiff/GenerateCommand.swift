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

  @Option(help: "Evaluations of the network that an image gets.")
  var steps: Int?

  @Option(
    name: [.customLong("guidance-scale"), .customLong("cfg-scale")],
    help: "Classifier-free guidance; 1 is none.")
  var guidanceScale: Double?

  @Option(
    help: "Codes that may be drawn: none (all), a probability in (0, 1] for a nucleus, or top-K.",
    transform: { try Truncation(option: $0) })
  var truncation: Truncation?

  @Option(
    help: "\(SamplingMethod.Name.allCases.map(\.rawValue).joined(separator: ", ")).",
    transform: { try SamplingMethod.Name(option: $0) })
  var sampler: SamplingMethod.Name?

  @Option(help: "How far purity sharpens predictions (r, of the purity samplers).")
  var purityWeight: Double?

  @Option(help: "The first image's seed (drawn and printed if absent).")
  var seed: UInt64?

  @Option(help: "Images that go through the networks together. Changes speed and memory, never the images.")
  var batchSize: Int?

  @Option(
    name: .shortAndLong,
    help: "A file, a folder (gets CLASS/000.png …) or a pattern such as image-%03d.png.")
  var output = "output"

  @OptionGroup var imageOptions: ImageOutputOptions
  @OptionGroup var modelOptions: ModelOptions

  func validate() throws {
    try require(count >= 1, "--count must be 1 or more, found \(count)")
    if let steps { try require(steps >= 1, "--steps must be 1 or more, found \(steps)") }
    if let batchSize { try require(batchSize >= 1, "--batch-size must be 1 or more, found \(batchSize)") }
    for (name, value) in [("--guidance-scale", guidanceScale), ("--purity-weight", purityWeight)] {
      if let value { try require(value.isFinite && value >= 0, "\(name) must be finite and at least 0, found \(value)") }
    }
    // Classes that only the model knows ("all") are counted once it is loaded.
    let (images, isTooMany) = count.multipliedReportingOverflow(by: max(1, classes.count))
    try OutputError.asUsage { () throws(OutputError) in
      try ImageOutput(output, imageOptions).check(images: isTooMany ? .max : images)
    }
  }

  private func require(_ condition: Bool, _ message: String) throws {
    if !condition { throw ValidationError(message) }
  }

  func run() async throws {
    try modelOptions.apply()
    let pipeline = try modelOptions.pipeline()
    let settings = try settings(of: pipeline)
    let labels = try pipeline.labels(classes)
    try pipeline.check(labels: labels, count: count, settings: settings)
    var writer = try ImageWriter(
      pipeline, labels: labels, count: count, settings: settings, output: ImageOutput(output, imageOptions))
    if seed == nil, !imageOptions.quiet { Terminal.report("seed \(settings.seed)") }
    var progress = ProgressLine(isQuiet: imageOptions.quiet)
    defer { progress.clear() }
    for try await event in try pipeline.generation(labels: labels, count: count, settings: settings) {
      switch event {
      case .step(let step): progress.show(step)
      case .images(let images):
        progress.clear()
        try writer.take(images)
      }
    }
    try Task.checkCancellation()
    try writer.finish()
  }

  /// The model's settings with those of the command line in their place.
  private func settings(of pipeline: VQDiffusionPipeline) throws -> GenerationSettings {
    var settings = pipeline.defaultSettings
    if let sampler { settings.method = SamplingMethod(sampler, weight: settings.method.purityWeight ?? 1) }
    if let purityWeight {
      guard settings.method.purityWeight != nil else {
        throw PipelineError.invalidOption(
          name: "--purity-weight", expected: "absent for a sampler without it", found: "\(settings.method.name.rawValue) sampling"
        )
      }
      settings.method = SamplingMethod(settings.method.name, weight: purityWeight)
    }
    let allowed = settings.method.allowedSteps(
      timesteps: pipeline.schedule.timesteps, length: pipeline.transformer.configuration.sequenceLength)
    settings.steps = steps ?? min(settings.steps, allowed.upperBound)
    settings.guidanceScale = guidanceScale ?? settings.guidanceScale
    settings.truncation = truncation ?? settings.truncation
    settings.batchSize = batchSize ?? settings.batchSize
    // Short enough to be typed again.
    settings.seed = seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
    return settings
  }
}
