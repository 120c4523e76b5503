import ArgumentParser

/// Measures tokens per second.
@main
struct VQDiffBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vqdiff-bench",
    abstract: "Measures a model's parts in tokens per second.",
    subcommands: [ModelCommand.self, KernelCommand.self],
    defaultSubcommand: ModelCommand.self)
}
