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
  /// - Parameter edit: the pictures that the images are made from, once the model is known.
  func run(from edit: (VQDiffusionPipeline) throws -> Edit = { _ in Edit() }) async throws {
    try modelOptions.apply()
    let pipeline = try modelOptions.pipeline()
    var session = try GenerationSession(self, pipeline, edit(pipeline))
    try await session.run()
  }
}
