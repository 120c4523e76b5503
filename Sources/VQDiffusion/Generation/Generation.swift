import Diffusion
import Foundation
import Tensor
import Transformer
import VQVAE

extension VQDiffusionPipeline {
  /// Generates images and waits for them; cancelling the task stops the work between layers of the network, and the call
  /// returns once it has stopped.
  ///
  /// - Parameters:
  ///   - subjects: what is to be seen; empty for an unconditional model.
  ///   - negativePrompt: a text that guidance leads away from, instead of from "no text"; of text-conditional models, with guidance.
  ///   - count: images of each subject.
  ///   - settings: the model's own if nil.
  ///   - start: what each image starts from.
  /// - Returns: the images in order: all of the first subject, then those of the next.
  /// - Throws: `PipelineError` or `DiffusionError` for a request that can't be met; `CLIPTextError` for a text that can't be encoded;
  ///   `CancellationError`.
  public func generate(
    _ subjects: [GenerationSubject], negativePrompt: String? = nil, count: Int = 1, settings: GenerationSettings? = nil,
    from start: GenerationStart = .noise
  ) async throws -> [GeneratedImage] {
    let request = Request(
      subjects: subjects, negativePrompt: negativePrompt, count: count, settings: settings ?? defaultSettings, start: start)
    let cancellation = Cancellation()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        onThreadOfItsOwn("vqdiffusion.generation") {
          continuation.resume(
            with: Result {
              var images: [GeneratedImage] = []
              try GenerationRun(self, request).perform(cancellation) { if case .images(let batch) = $0 { images += batch } }
              return images
            })
        }
      }
    } onCancel: {
      cancellation.cancel()
    }
  }

  /// Generates images and reports each step and each finished batch. The work runs on a thread of its own; dropping the
  /// sequence or cancelling the task that reads it stops the work between layers of the network.
  ///
  /// Parameters and errors as in `generate`; errors in the request are thrown at once.
  ///
  /// - Parameter reportsExpected: whether steps tell the clean images that the network expects (`SamplingProgress.expected`), for previews.
  public func generation(
    _ subjects: [GenerationSubject], negativePrompt: String? = nil, count: Int = 1, settings: GenerationSettings? = nil,
    from start: GenerationStart = .noise, reportsExpected: Bool = false
  ) throws -> AsyncThrowingStream<GenerationEvent, any Error> {
    let run = try GenerationRun(
      self,
      Request(
        subjects: subjects, negativePrompt: negativePrompt, count: count, settings: settings ?? defaultSettings, start: start,
        reportsExpected: reportsExpected))
    return AsyncThrowingStream { continuation in
      let cancellation = Cancellation()
      continuation.onTermination = { _ in cancellation.cancel() }
      onThreadOfItsOwn("vqdiffusion.generation") {
        do {
          try run.perform(cancellation) { continuation.yield($0) }
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
    }
  }

  /// Checks a request without running it, its texts not encoded.
  ///
  /// Parameters and errors as in `generate`.
  public func check(
    _ subjects: [GenerationSubject], negativePrompt: String? = nil, count: Int = 1, settings: GenerationSettings? = nil,
    from start: GenerationStart = .noise
  ) throws {
    _ = try GenerationRun(
      self,
      Request(
        subjects: subjects, negativePrompt: negativePrompt, count: count, settings: settings ?? defaultSettings, start: start))
  }

  /// The most images that a request can be for.
  public static let imageLimit = 1_000_000
}

/// What a caller asks for.
private struct Request: Sendable {
  let subjects: [GenerationSubject]
  let negativePrompt: String?
  let count: Int
  let settings: GenerationSettings
  let start: GenerationStart
  var reportsExpected = false
}

/// A checked request, ready to run. Nothing is computed of it yet: texts are encoded as it runs, on its thread.
private struct GenerationRun: Sendable {
  let pipeline: VQDiffusionPipeline
  let settings: GenerationSettings
  /// Of each image.
  let subjects: [GenerationSubject]
  let sampler: any Sampler
  let negativePrompt: String?
  let guidance: Guidance<GuidanceOrigin>?
  let start: SamplingStart
  let options: SamplingOptions

  init(_ pipeline: VQDiffusionPipeline, _ request: Request) throws {
    let (settings, start) = (request.settings, request.start)
    let limit = VQDiffusionPipeline.imageLimit / max(1, request.subjects.count)
    guard request.count >= 1, request.count <= limit else {
      let kind = request.subjects.contains { $0.prompt != nil } ? "texts" : "classes"
      let expected = "1…\(limit)" + (request.subjects.count > 1 ? " for \(request.subjects.count) \(kind)" : "")
      throw PipelineError.invalidOption(name: "count", expected: expected, found: "\(request.count)")
    }
    guard settings.batchSize >= 1 else {
      throw PipelineError.invalidOption(name: "batch size", expected: "1 or more", found: "\(settings.batchSize)")
    }
    self.pipeline = pipeline
    self.settings = settings
    subjects = try pipeline.checked(request.subjects).flatMap { Array(repeating: $0, count: request.count) }
    let sampler = try settings.method.sampler(start.plan(settings, pipeline))
    (self.sampler, self.start) = (sampler, start.samplingStart)
    var options = settings.samplingOptions
    options.reportsExpected = request.reportsExpected
    try options.validate()
    self.options = options
    // Tokens that don't fit show here, not in the middle of a run.
    _ = try sampler.initialState(from: self.start, image: 0, noise: PhiloxNoise(seed: settings.seed))
    negativePrompt = request.negativePrompt
    guidance = try pipeline.guidance(settings, negativePrompt: negativePrompt)
  }

  func perform(_ cancellation: Cancellation, report: (GenerationEvent) -> Void) throws {
    try cancellation.check()
    let loop = try SamplingLoop(
      denoiser: TransformerDenoiser(transformer: pipeline.transformer, cancellation: cancellation), sampler: sampler,
      guidance: guidance.map(pipeline.encoded), options: options, noise: PhiloxNoise(seed: settings.seed))
    var known = BatchConditions()
    for first in stride(from: 0, to: subjects.count, by: settings.batchSize) {
      try cancellation.check()
      let batch = first..<min(first + settings.batchSize, subjects.count)
      let conditions = try known.of(Array(subjects[batch]), by: pipeline, checkCancellation: cancellation.check)
      let tokens = try Log.timed("sampled", ["images": "\(batch)", "settings": "\(settings)"]) {
        try loop.run(from: start, conditions: conditions, images: Array(batch)) { progress in
          report(
            .step(
              GenerationStep(
                images: batch, totalImages: subjects.count, progress: progress, subjects: Array(subjects[batch]),
                negativePrompt: negativePrompt, seeds: batch.map(seed))))
          try cancellation.check()
        }
      }
      report(.images(try Log.timed("decoded", ["images": "\(batch)"]) { try finish(tokens, batch) }))
    }
  }

  private func seed(_ index: Int) -> UInt64 { settings.seed &+ UInt64(index) }

  private func finish(_ tokens: [[Int32]], _ batch: Range<Int>) throws -> [GeneratedImage] {
    let codec = pipeline.codec
    let images = try codec.decode(TokenGrid(tokens: Array(tokens.joined()), height: codec.rows, width: codec.columns))
    return zip(batch, zip(images, tokens)).map { index, pair in
      GeneratedImage(
        index: index, subject: subjects[index], negativePrompt: negativePrompt, seed: seed(index), image: pair.0,
        tokens: pair.1)
    }
  }
}
