import Diffusion

extension VQDiffusionPipeline {
  /// Checks a request for images; its texts are encoded when it runs.
  ///
  /// - Parameters:
  ///   - subjects: the subjects of the images; empty for an unconditional model.
  ///   - negativePrompt: a text that guidance leads away from, instead of from "no text"; of text-conditional models, with guidance.
  ///   - count: images of each subject.
  ///   - settings: the model's own if nil.
  ///   - start: the start of each image.
  /// - Throws: `PipelineError`, `ModelFileError` or `DiffusionError` for a request that can't be met.
  public func request(
    _ subjects: [GenerationSubject], negativePrompt: String? = nil, count: Int = 1, settings: GenerationSettings? = nil,
    from start: GenerationStart = .noise
  ) throws -> GenerationRequest {
    try GenerationRequest(
      self, subjects: subjects, negativePrompt: negativePrompt, count: count, settings: settings ?? defaultSettings,
      start: start)
  }

  /// Generates images and waits for them (see `request` and `GenerationRequest.images()`).
  public func generate(
    _ subjects: [GenerationSubject], negativePrompt: String? = nil, count: Int = 1, settings: GenerationSettings? = nil,
    from start: GenerationStart = .noise
  ) async throws -> [GeneratedImage] {
    try await request(subjects, negativePrompt: negativePrompt, count: count, settings: settings, from: start).images()
  }

  /// Generates images of classes (`label(_:)`); with none, images of an unconditional model.
  public func generate(
    labels: [Int] = [], count: Int = 1, settings: GenerationSettings? = nil, from start: GenerationStart = .noise
  ) async throws -> [GeneratedImage] {
    try await generate(labels.map { .label($0) }, count: count, settings: settings, from: start)
  }

  /// Generates images of texts.
  public func generate(
    prompts: [String], negativePrompt: String? = nil, count: Int = 1, settings: GenerationSettings? = nil,
    from start: GenerationStart = .noise
  ) async throws -> [GeneratedImage] {
    try await generate(
      prompts.map { .prompt($0) }, negativePrompt: negativePrompt, count: count, settings: settings, from: start)
  }

  /// Generates images and reports progress (see `request` and `GenerationRequest.events(reportsExpected:)`). Errors in the request are
  /// thrown at once.
  public func generation(
    _ subjects: [GenerationSubject], negativePrompt: String? = nil, count: Int = 1, settings: GenerationSettings? = nil,
    from start: GenerationStart = .noise, reportsExpected: Bool = false
  ) throws -> AsyncThrowingStream<GenerationEvent, any Error> {
    try request(subjects, negativePrompt: negativePrompt, count: count, settings: settings, from: start)
      .events(reportsExpected: reportsExpected)
  }

  /// Generates images of classes and reports progress.
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
    _ = try request(labels.map { .label($0) }, count: count, settings: settings, from: start)
  }

  /// Checks a request without running it.
  public func check(
    _ subjects: [GenerationSubject], negativePrompt: String? = nil, count: Int = 1, settings: GenerationSettings? = nil,
    from start: GenerationStart = .noise
  ) throws {
    _ = try request(subjects, negativePrompt: negativePrompt, count: count, settings: settings, from: start)
  }

  /// The most images that a request can be for.
  public static var imageLimit: Int { GenerationRequest.imageLimit }
}
