import ArgumentParser

struct Generate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make images.",
    discussion: """
      Image i of a request draws from seed + i and says so in its metadata, so that --count 1 with that seed and the same \
      settings makes it again. Settings that aren't given are the model's own. Existing files are replaced.
      """)

  @OptionGroup var generation: GenerationArguments

  func run() async throws { try await generation.run() }
}
