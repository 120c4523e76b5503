import ArgumentParser
import VQDiffusion

/// Measures tokens per second.
@main
struct VQDiffBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vqdiff-bench",
    abstract: "Measures a model's parts in tokens per second.",
    subcommands: [ModelCommand.self],
    defaultSubcommand: ModelCommand.self)
}

extension ComputeOptions.Products: ExpressibleByArgument {}
extension ConvolutionAlgorithm: ExpressibleByArgument {}
