import Checkpoint
import Foundation
import TestSupport
import Testing
import TrainingCore
import VQDiffusion
import VQDiffusionTraining

/// Runs as a user makes them: begun, stopped, resumed, used.
@Suite struct TrainingRunTests {
  /// What can be trained, each in a way that keeps another state.
  enum Kind: String, CaseIterable, Sendable {
    case averagedCodes, cosineCodes, trainedCodes, accumulated, plateau, referenceCosine
    case variational, importance, masked, uniform, unconditional, accumulatedDenoiser
    case refit, nullVector, learnedVector
  }

  /// - Parameter steps: of the kinds whose loss is watched.
  private func run(_ kind: Kind, steps: Int = 10, in folder: URL) async throws -> TrainingRun {
    let images = folder.appendingPathComponent("images")
    try SmallRuns.writeClasses(in: images)
    func autoencoder(_ codebook: AutoencoderSettings.Codebook, accumulation: Int = 1) throws -> TrainingRun {
      TrainingRun(
        .autoencoder(try SmallRuns.autoencoder(steps: steps, accumulation: accumulation, codebook)), images: images,
        validation: images)
    }
    func trained() async throws -> URL {
      try await SmallRuns.trainedAutoencoder(on: images, in: folder.appendingPathComponent("vqvae"))
    }
    func denoiser(_ settings: DenoiserSettings, on images: URL) async throws -> TrainingRun {
      TrainingRun(.denoiser(settings, autoencoder: try await trained().path), images: images, validation: images)
    }
    func guidance(_ empty: GuidanceSettings.Empty) async throws -> TrainingRun {
      let model = try await SmallRuns.trainedModel(
        on: images, autoencoder: trained(), in: folder.appendingPathComponent("denoiser"))
      let settings = GuidanceSettings(
        empty: empty, labelDropout: 0.4, optimization: SmallRuns.optimization(steps: 10), reports: SmallRuns.reports)
      return TrainingRun(.guidance(settings, model: model.path), images: images)
    }
    switch kind {
    case .averagedCodes: return try autoencoder(.init(restartShare: 0.5, startStep: 3, clusteredLatents: 8))
    case .cosineCodes: return try autoencoder(.init(cosine: true, startStep: 3, clusteredLatents: 8))
    case .trainedCodes: return try autoencoder(.init(kind: .gradient, legacyWeighting: true, startStep: 2, clusteredLatents: 8))
    case .accumulated: return try autoencoder(.init(clusteredLatents: 8), accumulation: 2)
    case .plateau:
      var settings = try SmallRuns.autoencoder()
      (settings.optimization.schedule, settings.optimization.plateauPatience) = (.plateau, 1)
      return TrainingRun(.autoencoder(settings), images: images)
    case .referenceCosine:
      var settings = try SmallRuns.autoencoder()
      settings.optimization.schedule = .cosineReference
      return TrainingRun(.autoencoder(settings), images: images)
    case .variational: return try await denoiser(SmallRuns.denoiser(.init(importanceSampling: false)), on: images)
    // Importance takes over once each of the four timesteps was drawn eleven times.
    case .importance: return try await denoiser(SmallRuns.denoiser(steps: 20), on: images)
    case .masked:
      return try await denoiser(
        SmallRuns.denoiser(steps: steps, .init(kind: .maskedCrossEntropy, labelSmoothing: 0.1)), on: images)
    case .uniform: return try await denoiser(SmallRuns.denoiser(steps: steps, corruption: .uniform), on: images)
    case .unconditional:
      return try await denoiser(SmallRuns.denoiser(steps: steps), on: images.appendingPathComponent("disc"))
    case .accumulatedDenoiser: return try await denoiser(SmallRuns.denoiser(accumulation: 2), on: images)
    case .refit:
      let settings = RefitSettings(
        codes: 4, clusteredLatents: 64, optimization: SmallRuns.optimization(steps: 10), reports: SmallRuns.reports)
      return TrainingRun(.refit(settings, model: try await trained().path), images: images)
    case .nullVector: return try await guidance(.null)
    case .learnedVector: return try await guidance(.learned)
    }
  }

  /// What a run leaves behind, but for how long it took.
  private func remains(of folder: URL) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for file in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
      files[file] = FileManager.default.contents(atPath: folder.appendingPathComponent(file).path)
    }
    let log = String(decoding: try #require(files["metrics.jsonl"]), as: UTF8.self)
    files["metrics.jsonl"] = Data(log.replacing(/,"images_per_s":[^,}]*/, with: "").utf8)
    return files
  }

  @Test(arguments: Kind.allCases) func stoppedAndResumedIsAsIfNeverStopped(kind: Kind) async throws {
    try await compare(kind, stoppedAfter: 5)
  }

  /// Before there are codes, when they are about to be found, and between two pictures.
  @Test(arguments: [1, 3, 7]) func itDoesNotMatterWhenARunIsStopped(step: Int) async throws {
    try await compare(.averagedCodes, stoppedAfter: step)
  }

  private func compare(_ kind: Kind, stoppedAfter stop: Int) async throws {
    try await withTemporaryFolder { folder in
      let run = try await run(kind, in: folder)
      let (unbroken, broken) = (folder.appendingPathComponent("unbroken/run"), folder.appendingPathComponent("broken/run"))
      let whole = RunObserver()
      try await whole.run { try await run.begin(in: unbroken, report: $0) }
      let first = RunObserver(stoppingAfter: stop)
      await #expect(throws: CancellationError.self) { try await first.run { try await run.begin(in: broken, report: $0) } }
      #expect(first.steps.map(\.step) == Array(1...stop))
      let second = RunObserver()
      try await second.run { try await TrainingRun.resume(in: broken, report: $0) }
      #expect(second.resumedSteps == [stop])
      #expect(first.steps.count + second.steps.count == whole.steps.count)
      let (expected, found) = (try remains(of: unbroken), try remains(of: broken))
      #expect(found.keys.sorted() == expected.keys.sorted())
      #expect(found["samples/step-000004.png"] != nil && found["losses.svg"] != nil)
      for (file, data) in expected { #expect(found[file] == data, "\(file)") }
    }
  }

  /// Whatever is trained is learned, in some steps more.
  @Test(arguments: [Kind.averagedCodes, .trainedCodes, .masked, .uniform, .unconditional]) func theLossFalls(kind: Kind)
    async throws
  {
    try await withTemporaryFolder { folder in
      let run = try await run(kind, steps: [.averagedCodes, .trainedCodes].contains(kind) ? 80 : 240, in: folder)
      let long = TrainingRun(run.task, images: URL(fileURLWithPath: run.images))
      let observer = RunObserver()
      try await observer.run { try await long.begin(in: folder.appendingPathComponent("run"), report: $0) }
      let losses = try observer.steps.map { try #require($0["loss"]) }
      let (before, after) = (losses[3..<13].reduce(0, +) / 10, losses.suffix(10).reduce(0, +) / 10)
      #expect(after < 0.8 * before, "\(before) → \(after)")
    }
  }

  @Test func anAccumulatedStepIsThatOfOneLargeBatch() async throws {
    try await withTemporaryFolder { folder in
      let images = folder.appendingPathComponent("images")
      try SmallRuns.writeClasses(in: images)
      // Moving averages look at batches one by one. The clusters are of the same 12 images' latents.
      var large = try SmallRuns.autoencoder(steps: 3, .init(kind: .gradient, startStep: 2, clusteredLatents: 24))
      var small = large
      large.optimization.batch = 12
      (small.optimization.batch, small.optimization.accumulation) = (6, 2)
      let (one, two) = (RunObserver(), RunObserver())
      try await one.run { [large] in
        try await TrainingRun(.autoencoder(large), images: images).begin(in: folder.appendingPathComponent("one"), report: $0)
      }
      try await two.run { [small] in
        try await TrainingRun(.autoencoder(small), images: images).begin(in: folder.appendingPathComponent("two"), report: $0)
      }
      for name in ["loss", "gradient_norm"] {
        expectClose(
          try two.steps.map { try #require($0[name]) }, try one.steps.map { try #require($0[name]) }, absolute: 1e-5,
          relative: 1e-4, name)
      }
    }
  }

  /// A mean over masked positions, of which the parts have different numbers.
  @Test func anAccumulatedStepOfADenoiserIsThatOfOneLargeBatch() async throws {
    try await withTemporaryFolder { folder in
      let images = folder.appendingPathComponent("images")
      try SmallRuns.writeClasses(in: images)
      let autoencoder = try await SmallRuns.trainedAutoencoder(on: images, in: folder.appendingPathComponent("vqvae")).path
      var large = SmallRuns.denoiser(steps: 3, .init(kind: .maskedCrossEntropy))
      var small = large
      large.optimization.batch = 12
      (small.optimization.batch, small.optimization.accumulation) = (6, 2)
      let (one, two) = (RunObserver(), RunObserver())
      try await one.run { [large] in
        try await TrainingRun(.denoiser(large, autoencoder: autoencoder), images: images)
          .begin(in: folder.appendingPathComponent("one"), report: $0)
      }
      try await two.run { [small] in
        try await TrainingRun(.denoiser(small, autoencoder: autoencoder), images: images)
          .begin(in: folder.appendingPathComponent("two"), report: $0)
      }
      for name in ["loss", "gradient_norm"] {
        expectClose(
          try two.steps.map { try #require($0[name]) }, try one.steps.map { try #require($0[name]) }, absolute: 1e-5,
          relative: 1e-4, name)
      }
    }
  }
}
