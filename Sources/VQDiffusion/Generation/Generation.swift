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
  ///   - labels: class indices (`label(_:)`); empty for an unconditional model.
  ///   - count: images of each class, or in all for an unconditional model.
  ///   - settings: the model's own if nil.
  ///   - start: what each image starts from.
  /// - Returns: the images in order: all of the first class, then those of the next.
  /// - Throws: `PipelineError` or `DiffusionError` for a request that can't be met; `CancellationError`.
  public func generate(
    labels: [Int] = [], count: Int = 1, settings: GenerationSettings? = nil, from start: GenerationStart = .noise
  ) async throws -> [GeneratedImage] {
    let run = try GenerationRun(self, labels: labels, count: count, settings: settings ?? defaultSettings, start: start)
    let cancellation = Cancellation()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        GenerationRun.onThreadOfItsOwn {
          continuation.resume(
            with: Result {
              var images: [GeneratedImage] = []
              try run.perform(cancellation) { if case .images(let batch) = $0 { images += batch } }
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
    labels: [Int] = [], count: Int = 1, settings: GenerationSettings? = nil, from start: GenerationStart = .noise,
    reportsExpected: Bool = false
  ) throws -> AsyncThrowingStream<GenerationEvent, any Error> {
    let run = try GenerationRun(
      self, labels: labels, count: count, settings: settings ?? defaultSettings, start: start,
      reportsExpected: reportsExpected)
    return AsyncThrowingStream { continuation in
      let cancellation = Cancellation()
      continuation.onTermination = { _ in cancellation.cancel() }
      GenerationRun.onThreadOfItsOwn {
        do {
          try run.perform(cancellation) { continuation.yield($0) }
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
    }
  }

  /// Checks a request without running it.
  ///
  /// Parameters and errors as in `generate`.
  public func check(
    labels: [Int] = [], count: Int = 1, settings: GenerationSettings? = nil, from start: GenerationStart = .noise
  ) throws {
    _ = try GenerationRun(self, labels: labels, count: count, settings: settings ?? defaultSettings, start: start)
  }

  /// The most images that a request can be for.
  public static let imageLimit = 1_000_000
}

/// A checked request, ready to run.
private struct GenerationRun: Sendable {
  let pipeline: VQDiffusionPipeline
  let settings: GenerationSettings
  /// The class of each image.
  let labels: [Int?]
  let sampler: any Sampler
  let guidance: Guidance<DenoiserCondition>?
  let start: SamplingStart
  let options: SamplingOptions

  init(
    _ pipeline: VQDiffusionPipeline, labels: [Int], count: Int, settings: GenerationSettings, start: GenerationStart,
    reportsExpected: Bool = false
  ) throws {
    let limit = VQDiffusionPipeline.imageLimit / max(1, labels.count)
    guard count >= 1, count <= limit else {
      let expected = "1…\(limit)" + (labels.count > 1 ? " for \(labels.count) classes" : "")
      throw PipelineError.invalidOption(name: "count", expected: expected, found: "\(count)")
    }
    guard settings.batchSize >= 1 else {
      throw PipelineError.invalidOption(name: "batch size", expected: "1 or more", found: "\(settings.batchSize)")
    }
    self.pipeline = pipeline
    self.settings = settings
    self.labels = try Self.expand(labels, count: count, pipeline: pipeline)
    let sampler = try settings.method.sampler(start.plan(settings, pipeline))
    (self.sampler, self.start) = (sampler, start.samplingStart)
    guidance = try pipeline.guidance(settings)
    var options = settings.samplingOptions
    options.reportsExpected = reportsExpected
    try options.validate()
    self.options = options
    // Tokens that don't fit show here, not in the middle of a run.
    _ = try sampler.initialState(from: self.start, image: 0, noise: PhiloxNoise(seed: settings.seed))
  }

  /// Runs `body` apart from Swift's own threads, which it would block.
  static func onThreadOfItsOwn(_ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.name = "vqdiffusion.generation"
    thread.stackSize = 8 << 20
    thread.start()
  }

  private static func expand(_ labels: [Int], count: Int, pipeline: VQDiffusionPipeline) throws(PipelineError) -> [Int?] {
    switch pipeline.transformer.configuration.kind {
    case .classConditional: break
    case .text: throw .textRequired(classesFound: labels.count)
    case .unconditional:
      guard labels.isEmpty else { throw .labelsForUnconditionalModel(found: labels.count) }
      return Array(repeating: nil, count: count)
    }
    guard !labels.isEmpty else { throw .labelsRequired }
    for label in labels where !(0..<pipeline.classCount).contains(label) {
      throw .unknownLabel("\(label)", near: ["0…\(pipeline.classCount - 1)"])
    }
    return labels.flatMap { Array(repeating: $0, count: count) }
  }

  func perform(_ cancellation: Cancellation, report: (GenerationEvent) -> Void) throws {
    let loop = try SamplingLoop(
      denoiser: TransformerDenoiser(transformer: pipeline.transformer, cancellation: cancellation), sampler: sampler,
      guidance: guidance, options: options, noise: PhiloxNoise(seed: settings.seed))
    for first in stride(from: 0, to: labels.count, by: settings.batchSize) {
      try cancellation.check()
      let batch = first..<min(first + settings.batchSize, labels.count)
      let conditions = labels[batch].map { $0.map(DenoiserCondition.index) ?? .none }
      let tokens = try Log.timed("sampled", ["images": "\(batch)", "settings": "\(settings)"]) {
        try loop.run(from: start, conditions: conditions, images: Array(batch)) { progress in
          report(
            .step(
              GenerationStep(
                images: batch, totalImages: labels.count, progress: progress, labels: Array(labels[batch]),
                seeds: batch.map(seed))))
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
        index: index, label: labels[index], seed: seed(index), image: pair.0, tokens: pair.1)
    }
  }
}

extension VQDiffusionPipeline {
  /// Guidance of this model: against its "no class" index, or the mean of its classes if it has none.
  fileprivate func guidance(_ settings: GenerationSettings) throws -> Guidance<DenoiserCondition>? {
    let configuration = transformer.configuration
    let unconditional: DenoiserCondition = configuration.unconditionalClass.map { .index($0) } ?? .meanOfClasses
    let guidance = try Guidance(
      scale: settings.guidanceScale, unconditional: unconditional, schedule: settings.guidanceSchedule)
    guard guidance.isActive else { return nil }
    guard configuration.kind == .classConditional else {
      throw PipelineError.guidanceUnavailable(reason: "the model is unconditional; use a guidance scale of 1")
    }
    guard configuration.unconditionalClass != nil || configuration.classNorm != .sinusoidalLayerNorm else {
      throw PipelineError.guidanceUnavailable(
        reason: "the model has neither a 'no class' index nor a class table to average; use a guidance scale of 1")
    }
    return guidance
  }
}
