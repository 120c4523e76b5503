// The same for requests of one kind.
extension VQDiffusionPipeline {
  /// Generates images of classes (`label(_:)`), or with none of whatever an unconditional model draws: see
  /// `generate(_:negativePrompt:count:settings:from:)`.
  public func generate(
    labels: [Int] = [], count: Int = 1, settings: GenerationSettings? = nil, from start: GenerationStart = .noise
  ) async throws -> [GeneratedImage] {
    try await generate(labels.map { .label($0) }, count: count, settings: settings, from: start)
  }

  /// Generates images of what texts say: see `generate(_:negativePrompt:count:settings:from:)`.
  public func generate(
    prompts: [String], negativePrompt: String? = nil, count: Int = 1, settings: GenerationSettings? = nil,
    from start: GenerationStart = .noise
  ) async throws -> [GeneratedImage] {
    try await generate(
      prompts.map { .prompt($0) }, negativePrompt: negativePrompt, count: count, settings: settings, from: start)
  }

  /// Generates images of classes and reports what is done: see `generation(_:negativePrompt:count:settings:from:reportsExpected:)`.
  public func generation(
    labels: [Int] = [], count: Int = 1, settings: GenerationSettings? = nil, from start: GenerationStart = .noise,
    reportsExpected: Bool = false
  ) throws -> AsyncThrowingStream<GenerationEvent, any Error> {
    try generation(
      labels.map { .label($0) }, count: count, settings: settings, from: start, reportsExpected: reportsExpected)
  }

  /// Checks a request for classes without running it.
  public func check(
    labels: [Int] = [], count: Int = 1, settings: GenerationSettings? = nil, from start: GenerationStart = .noise
  ) throws {
    try check(labels.map { .label($0) }, count: count, settings: settings, from: start)
  }
}
