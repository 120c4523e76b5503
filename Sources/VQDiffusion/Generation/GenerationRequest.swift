import Diffusion
import Foundation
import ModelFiles
import VQVAE

/// A request for images that a model can meet: everything that doesn't need the networks has been checked.
///
///     let request = try pipeline.request([.label(7)], count: 4)
///     for try await event in request.events() { … }
public struct GenerationRequest: Sendable {
  let pipeline: VQDiffusionPipeline
  public let settings: GenerationSettings
  /// The subject of each image: all images of the first subject, then those of the next.
  public let subjects: [GenerationSubject]
  /// The text that guidance leads away from; nil for none.
  public let negativePrompt: String?
  let sampler: any Sampler
  let guidance: Guidance<GuidanceOrigin>?
  let start: SamplingStart

  /// The most images that a request can be for.
  public static let imageLimit = 1_000_000

  init(
    _ pipeline: VQDiffusionPipeline, subjects: [GenerationSubject], negativePrompt: String?, count: Int,
    settings: GenerationSettings, start: GenerationStart
  ) throws {
    try Self.check(count: count, of: subjects)
    guard settings.batchSize >= 1 else {
      throw PipelineError.invalidOption(name: "batch size", expected: "1 or more", found: "\(settings.batchSize)")
    }
    (self.pipeline, self.settings, self.negativePrompt) = (pipeline, settings, negativePrompt)
    self.subjects = try pipeline.checked(subjects).flatMap { Array(repeating: $0, count: count) }
    (sampler, self.start) = (try start.sampler(settings.sampling, pipeline), start.samplingStart)
    try settings.sampling.validate()
    // Tokens that don't fit show here, not in the middle of a run.
    _ = try sampler.initialState(from: self.start, image: 0, noise: PhiloxNoise(seed: settings.seed))
    guidance = try pipeline.guidance(settings, negativePrompt: negativePrompt)
  }

  private static func check(count: Int, of subjects: [GenerationSubject]) throws(PipelineError) {
    let limit = imageLimit / max(1, subjects.count)
    guard count < 1 || count > limit else { return }
    let kind = subjects.contains { $0.prompt != nil } ? "texts" : "classes"
    let expected = "1…\(limit)" + (subjects.count > 1 ? " for \(subjects.count) \(kind)" : "")
    throw PipelineError.invalidOption(name: "count", expected: expected, found: "\(count)")
  }

  /// Generates the images and waits for them; cancelling the task stops the work between layers of the network, and the call
  /// returns once it has stopped.
  ///
  /// - Returns: the images in order.
  /// - Throws: `CLIPTextError` for a text that can't be encoded; `DiffusionError`; `CancellationError`.
  public func images() async throws -> [GeneratedImage] {
    let cancellation = Cancellation()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        onThreadOfItsOwn("vqdiffusion.generation") {
          continuation.resume(
            with: Result {
              var images: [GeneratedImage] = []
              try perform(cancellation) { if case .images(let batch) = $0 { images += batch } }
              return images
            })
        }
      }
    } onCancel: {
      cancellation.cancel()
    }
  }

  /// Generates the images and reports each step and each finished batch. The work runs on a thread of its own; dropping the
  /// sequence or cancelling the task that reads it stops the work between layers of the network.
  ///
  /// - Parameter reportsExpected: whether steps hold the clean images that the network expects (`SamplingProgress.expected`), for
  ///   previews.
  public func events(reportsExpected: Bool = false) -> AsyncThrowingStream<GenerationEvent, any Error> {
    AsyncThrowingStream { continuation in
      let cancellation = Cancellation()
      continuation.onTermination = { _ in cancellation.cancel() }
      onThreadOfItsOwn("vqdiffusion.generation") {
        do {
          try perform(cancellation, reportsExpected: reportsExpected) { continuation.yield($0) }
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
    }
  }
}

// The work, on a thread that may block.
extension GenerationRequest {
  private func perform(
    _ cancellation: Cancellation, reportsExpected: Bool = false, report: (GenerationEvent) -> Void
  ) throws {
    try cancellation.check()
    var options = SamplingOptions()
    options.reportsExpected = reportsExpected
    let loop = try SamplingLoop(
      denoiser: NetworkDenoiser(pipeline.network, cancellation: cancellation), sampler: sampler,
      guidance: guidance.map(pipeline.encoded), settings: settings.sampling, options: options,
      noise: PhiloxNoise(seed: settings.seed))
    var known = BatchConditions()
    for first in stride(from: 0, to: subjects.count, by: settings.batchSize) {
      try cancellation.check()
      let batch = first..<min(first + settings.batchSize, subjects.count)
      let conditions = try known.of(Array(subjects[batch]), by: pipeline, checkCancellation: cancellation.check)
      let tokens = try Log.timed("sampled", ["images": "\(batch)", "settings": "\(settings)"]) {
        try loop.run(from: start, conditions: conditions, images: Array(batch)) { progress in
          report(.step(step(batch, progress)))
          try cancellation.check()
        }
      }
      report(.images(try Log.timed("decoded", ["images": "\(batch)"]) { try finish(tokens, batch) }))
    }
  }

  private func seed(_ index: Int) -> UInt64 { settings.seed &+ UInt64(index) }

  private func step(_ batch: Range<Int>, _ progress: SamplingProgress) -> GenerationStep {
    GenerationStep(
      images: batch, totalImages: subjects.count, progress: progress, subjects: Array(subjects[batch]),
      negativePrompt: negativePrompt, seeds: batch.map(seed))
  }

  private func finish(_ tokens: [[Int32]], _ batch: Range<Int>) throws -> [GeneratedImage] {
    let codec = pipeline.codec
    let images = try codec.decode(ImageTokens(Array(tokens.joined()), layout: codec.layout))
    return zip(batch, zip(images, tokens)).map { index, pair in
      GeneratedImage(
        index: index, subject: subjects[index], negativePrompt: negativePrompt, seed: seed(index), image: pair.0,
        tokens: pair.1)
    }
  }
}
