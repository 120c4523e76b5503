import ArgumentParser
import Foundation
import VQDiffusion

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how close generated images come to real ones.",
    discussion: """
      Prints Fréchet distance, kernel distance (MMD), precision and recall over pooled features of the model's VQ encoder, and how \
      much of the codebook the images use; beside them the floor, real images against other real ones. These numbers are no \
      FID: compare them only with others by the same model, with as many images.

      A folder's PNG and JPEG images are read, those in its subfolders too; they must have the size of the model's own. \
      Left out are previews and animations. \
      Features of any other origin may be given instead, as safetensors files with one tensor, or one named features, of shape \
      [images, dimension].
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case table, json
  }

  @Option(help: ArgumentHelp("The real images.", valueName: "folder"))
  var real: String?

  @Option(help: ArgumentHelp("The generated images.", valueName: "folder"))
  var generated: String?

  @Option(help: ArgumentHelp("Features of real images.", valueName: "a.safetensors"))
  var realFeatures: String?

  @Option(help: ArgumentHelp("Features of generated images.", valueName: "b.safetensors"))
  var generatedFeatures: String?

  @Option(help: ArgumentHelp("Random subsets that the kernel distance is averaged over.", valueName: "N"))
  var subsets = FeatureComparison.Options().kernel.subsets

  @Option(
    help: ArgumentHelp(
      "Images of each set in a subset (half of the smaller set, at most 1000, if absent).", valueName: "N"))
  var subsetSize: Int?

  @Option(name: [.customShort("k"), .long], help: ArgumentHelp("The neighbour of precision and recall.", valueName: "k"))
  var neighbours = FeatureComparison.Options().neighbours

  @Option(help: "The seed of all random subsets.")
  var seed: UInt64 = 0

  @Option(name: .shortAndLong, help: "What to print: a table, or json.")
  var output = Format.table

  @OptionGroup var modelOptions: ModelOptions

  private var options: FeatureComparison.Options {
    .init(kernel: .init(subsets: subsets, subsetSize: subsetSize, seed: seed), neighbours: neighbours)
  }

  /// The two inputs, of one kind.
  private enum Input {
    case folders(real: URL, generated: URL)
    case features(real: URL, generated: URL)
  }

  private func input() throws -> Input {
    switch (real, generated, realFeatures, generatedFeatures) {
    case (let real?, let generated?, nil, nil):
      return .folders(
        real: URL(fileURLWithPath: real, isDirectory: true), generated: URL(fileURLWithPath: generated, isDirectory: true))
    case (nil, nil, let real?, let generated?):
      return .features(real: URL(fileURLWithPath: real), generated: URL(fileURLWithPath: generated))
    default:
      throw ValidationError("expected --real and --generated, or --real-features and --generated-features")
    }
  }

  func validate() throws {
    _ = try input()
    do {
      try options.validate()
    } catch {
      throw ValidationError(error.description)
    }
  }

  func run() throws {
    try modelOptions.apply()
    let report =
      switch try input() {
      case .folders(let real, let generated):
        try modelOptions.codec().evaluate(real: real, generated: generated, options: options)
      case .features(let real, let generated):
        try EvaluationReport(
          real: FeatureSet(contentsOf: real), generated: FeatureSet(contentsOf: generated), features: "given features",
          options: options)
      }
    for (name, leftOut) in [(report.realName, report.realLeftOut), (report.generatedName, report.generatedLeftOut)] {
      if let leftOut, leftOut > 0 { Terminal.report("\(Terminal.printable(name)): left out \(leftOut) previews and animations") }
    }
    try Terminal.output(output == .json ? Self.json(report) : Terminal.printable(report.table))
  }

  private static func json(_ report: EvaluationReport) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(report), as: UTF8.self)
  }
}
