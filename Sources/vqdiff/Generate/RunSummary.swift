import Foundation
import VQDiffusion

/// What a generation cost.
struct RunSummary {
  private(set) var images = 0
  /// Sequences that the networks evaluated, and those that earlier ones stood in for.
  private(set) var evaluations = 0
  private(set) var reused = 0
  /// Time from a batch's start to its last step, summed: without the decoding of images, with that of previews and frames.
  private(set) var sampling = Duration.zero
  private let start = ContinuousClock.now
  private var batchStart = ContinuousClock.now
  private var batch: (step: SamplingProgress, end: ContinuousClock.Instant)?

  mutating func take(_ event: GenerationEvent) {
    switch event {
    case .step(let step): batch = (step.progress, .now)
    case .images(let finished):
      images += finished.count
      if let batch {
        evaluations += batch.step.evaluations
        reused += batch.step.reused
        sampling += batch.end - batchStart
      }
      (batch, batchStart) = (nil, .now)
    }
  }

  /// For people.
  var text: String {
    let total = (.now - start) / .seconds(1)
    let saved = reused == 0 ? "" : ", \(reused) more reused"
    return "\(images) image\(images == 1 ? "" : "s"), \(evaluations) evaluations\(saved), \(String(format: "%.1f", total)) s"
  }

  /// For programs: one line of JSON.
  func json() throws -> String {
    struct Line: Encodable {
      var images, evaluations, reused: Int
      var samplingSeconds, seconds: Double
    }
    let line = Line(
      images: images, evaluations: evaluations, reused: reused, samplingSeconds: sampling / .seconds(1),
      seconds: (.now - start) / .seconds(1))
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(line), as: UTF8.self)
  }
}
