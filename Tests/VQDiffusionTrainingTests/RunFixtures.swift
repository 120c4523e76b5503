import Foundation
import Synchronization
import TestSupport
import VQDiffusion
import VQDiffusionTraining
import VQVAE

/// Small runs on drawn pictures.
enum SmallRuns {
  static let side = 8

  /// A folder of two classes, 12 pictures each: bright discs on dark ground, and dark stripes on bright.
  static func writeClasses(in folder: URL) throws {
    for number in 0..<12 {
      try write(drawing(number, isDisc: true), "disc/\(numberedName(number))", in: folder)
      try write(drawing(number, isDisc: false), "stripes/\(numberedName(number))", in: folder)
    }
  }

  private static func drawing(_ number: Int, isDisc: Bool) -> RGBImage {
    var image = RGBImage(width: side, height: side, filledWith: isDisc ? .black : .white)
    for y in 0..<side {
      for x in 0..<side {
        let (dx, dy) = (x - 2 - number % 4, y - 2 - number / 4)
        let isInside = isDisc ? dx * dx + dy * dy < 6 : (x + number).isMultiple(of: 3)
        if isInside { image[x, y] = RGBImage.Color(UInt8(60 + 10 * number), 120, UInt8(200 - 5 * number)) }
      }
    }
    return image
  }

  static func optimization(steps: Int, accumulation: Int = 1) -> OptimizationSettings {
    OptimizationSettings(
      steps: steps, batch: 6, accumulation: accumulation, learningRate: 3e-3, warmUp: 2, averageDecay: 0.9, seed: 7)
  }

  static let reports = ReportSettings(samplesEvery: 4, checkpointMinutes: 60, validationImages: 10)

  static var network: TamingVQGANConfiguration {
    get throws {
      let text = """
        {"ch": 8, "ch_mult": [1, 1], "num_res_blocks": 1, "attn_resolutions": [], "resolution": \(side), "in_channels": 3, "out_ch": 3,
         "z_channels": 8, "embed_dim": 4, "n_embed": 8, "norm_groups": 4}
        """
      return try JSONDecoder().decode(TamingVQGANConfiguration.self, from: Data(text.utf8))
    }
  }

  static func autoencoder(
    steps: Int = 10, accumulation: Int = 1, _ codebook: AutoencoderSettings.Codebook = .init(startStep: 3, clusteredLatents: 8)
  ) throws -> AutoencoderSettings {
    AutoencoderSettings(
      network: try network, optimization: optimization(steps: steps, accumulation: accumulation),
      reconstruction: .init(difference: 0.2), codebook: codebook, augmentation: .init(flips: true, cropPadding: 1),
      reports: reports)
  }

  static func denoiser(
    steps: Int = 10, accumulation: Int = 1, _ loss: DenoiserSettings.Loss = .init(),
    corruption: CorruptionKind = .maskAndReplace, labelDropout: Double = 0.3
  ) -> DenoiserSettings {
    DenoiserSettings(
      network: .init(layers: 2, width: 16, heads: 2, timesteps: 4), corruption: corruption, loss: loss,
      labelDropout: labelDropout,
      optimization: optimization(steps: steps, accumulation: accumulation), reports: reports)
  }

  /// The model folder of an autoencoder trained for some steps.
  static func trainedAutoencoder(on images: URL, in folder: URL) async throws -> URL {
    try await TrainingRun(.autoencoder(autoencoder(steps: 12)), images: images).begin(in: folder).model
  }

  /// The model folder of a denoiser trained for some steps, without "no class".
  static func trainedModel(on images: URL, autoencoder: URL, in folder: URL) async throws -> URL {
    try await TrainingRun(.denoiser(denoiser(labelDropout: 0), autoencoder: autoencoder.path), images: images).begin(in: folder)
      .model
  }
}

/// Events of a run, and the task that makes it, to be stopped after a step.
final class RunObserver: Sendable {
  private let events = Mutex<[TrainingEvent]>([])
  private let task = Mutex<Task<TrainingSummary, any Error>?>(nil)
  private let lastStep: Int?

  init(stoppingAfter step: Int? = nil) { lastStep = step }

  var steps: [TrainingStep] {
    events.withLock { $0.compactMap { if case .step(let step) = $0 { step } else { nil } } }
  }

  var unreadable: [String] {
    events.withLock { $0.compactMap { if case .unreadable(let image, _) = $0 { image } else { nil } } }
  }

  var resumedSteps: [Int] {
    events.withLock { $0.compactMap { if case .resumed(let step) = $0 { step } else { nil } } }
  }

  /// Waits for a run, of which each event is seen.
  func run(_ body: @escaping @Sendable (@escaping @Sendable (TrainingEvent) -> Void) async throws -> TrainingSummary) async throws
  {
    let task = Task { try await body { self.see($0) } }
    self.task.withLock { $0 = task }
    _ = try await task.value
  }

  /// Stops the run as soon as it is in hand.
  func stop() {
    while task.withLock({ $0 == nil }) { usleep(100) }
    task.withLock { $0?.cancel() }
  }

  private func see(_ event: TrainingEvent) {
    events.withLock { $0.append(event) }
    guard case .step(let step) = event, step.step == lastStep else { return }
    // The first step may come before whoever started the task has it in hand.
    stop()
  }
}
