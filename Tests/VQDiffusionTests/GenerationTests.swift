import Foundation
import TestSupport
import Testing
import VQDiffusion

@Suite struct GenerationTests {
  private let pipeline: VQDiffusionPipeline

  init() throws { pipeline = try .builtIn() }

  @Test(arguments: [
    SamplingMethod.ancestral, .fewerTokens, .purity(weight: 1), .purityReference(weight: 1),
  ]) func anImageDependsOnItsOwnSeedAlone(method: SamplingMethod) async throws {
    var settings = GenerationSettings(
      method: method, steps: 3, guidanceScale: 2, truncation: .nucleus(0.9), seed: 7, batchSize: 2)
    let images = try await pipeline.generate(labels: [7, 3], count: 3, settings: settings)
    #expect(images.map(\.index) == Array(0..<6) && images.map(\.label) == [7, 7, 7, 3, 3, 3])
    #expect(images.map(\.seed) == [7, 8, 9, 10, 11, 12])
    #expect(Set(images.map(\.tokens)).count == 6)
    for image in images {
      #expect(image.image.size == ImageSize(width: 32, height: 32))
      #expect(image.tokens.count == 64 && image.tokens.allSatisfy { (0..<1024).contains($0) })
    }
    settings.seed = 10
    settings.batchSize = 25
    let again = try await pipeline.generate(labels: [3], settings: settings)
    #expect(again[0].tokens == images[3].tokens && again[0].image == images[3].image)
  }

  @Test func seedsWrapAround() async throws {
    let settings = GenerationSettings(method: .fewerTokens, steps: 1, seed: .max)
    let images = try await pipeline.generate(labels: [0], count: 2, settings: settings)
    #expect(images.map(\.seed) == [.max, 0])
  }

  @Test func everyStepAndBatchIsReported() async throws {
    let settings = GenerationSettings(method: .ancestral, steps: 4, seed: 1, batchSize: 2)
    var steps: [Int] = []
    var batches: [Range<Int>] = []
    var finished: [Int] = []
    for try await event in try pipeline.generation(labels: [1], count: 5, settings: settings) {
      switch event {
      case .step(let step):
        steps.append(step.progress.step)
        if batches.last != step.images { batches.append(step.images) }
        #expect(step.totalImages == 5 && step.progress.totalSteps == 4)
        #expect(step.progress.tokens.count == step.images.count)
      case .images(let images):
        finished += images.map(\.index)
        #expect(steps.count.isMultiple(of: 4))
      }
    }
    #expect(steps == [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4])
    #expect(batches == [0..<2, 2..<4, 4..<5] && finished == Array(0..<5))
  }

  @Test func stepsTellWhatTheyBeganWithAndExpectedImagesOnlyWhenAsked() async throws {
    let settings = GenerationSettings(method: .purity(weight: 1), steps: 3, seed: 1, batchSize: 2)
    for isAsked in [false, true] {
      var before = [[Int32]](repeating: Array(repeating: 1024, count: 64), count: 2)
      let events = try pipeline.generation(labels: [1], count: 2, settings: settings, reportsExpected: isAsked)
      for try await event in events {
        guard case .step(let step) = event else { continue }
        #expect(step.progress.tokensBefore == before)
        before = step.progress.tokens
        let expected = try pipeline.codec.expectedImages(of: step)
        #expect(expected.map(\.seed) == (isAsked ? [1, 2] : []) && expected.map(\.label) == (isAsked ? [1, 1] : []))
        let masked = try pipeline.codec.maskedImages(of: step)
        #expect(masked.map { $0 != nil } == [isAsked, isAsked])
        if isAsked, step.progress.step == 1 {
          #expect(masked[1] == RGBImage(width: 32, height: 32, filledWith: .gray) && expected[1].image != masked[1])
        }
      }
    }
  }

  /// Without cancellation this request would take far longer than the limit.
  @Test(.timeLimit(.minutes(2))) func cancellationStopsTheWork() async throws {
    let settings = GenerationSettings(method: .ancestral, steps: 100, guidanceScale: 2, batchSize: 100)
    let task = Task { try await pipeline.generate(labels: [7], count: 100_000, settings: settings) }
    try await Task.sleep(for: .milliseconds(300))
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test(.timeLimit(.minutes(2))) func aTaskCancelledBeforehandDoesNotGenerate() async throws {
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await pipeline.generate(labels: [7], count: 100_000)
    }
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test func requestsThatCantBeMetAreRefusedAtOnce() throws {
    let good = pipeline.defaultSettings
    func expect<E: Error & Equatable>(
      _ error: E, labels: [Int] = [7], count: Int = 1, sourceLocation: SourceLocation = #_sourceLocation,
      _ change: (inout GenerationSettings) -> Void = { _ in }
    ) {
      var settings = good
      change(&settings)
      #expect(throws: error, sourceLocation: sourceLocation) {
        try pipeline.check(labels: labels, count: count, settings: settings)
      }
      #expect(throws: error, sourceLocation: sourceLocation) {
        _ = try pipeline.generation(labels: labels, count: count, settings: settings)
      }
    }
    expect(PipelineError.labelsRequired, labels: [])
    expect(ModelFileError.unknownLabel("10", near: ["0…9"]), labels: [10])
    expect(ModelFileError.unknownLabel("-1", near: ["0…9"]), labels: [0, -1])
    expect(PipelineError.invalidOption(name: "count", expected: "1…1000000", found: "0"), count: 0)
    expect(
      PipelineError.invalidOption(name: "count", expected: "1…500000 for 2 classes", found: "\(Int.max)"), labels: [0, 1],
      count: .max)
    expect(PipelineError.invalidOption(name: "batch size", expected: "1 or more", found: "0")) { $0.batchSize = 0 }
    let steps = #expect(throws: (any Error).self) {
      try pipeline.check(labels: [7], settings: GenerationSettings(method: .purity(weight: 1), steps: 65))
    }
    #expect("\(steps as Any)".contains("steps must lie in 1…64 for purity sampling with 64 tokens, found 65"))
    for wrong in [
      GenerationSettings(method: .ancestral, steps: 0), .init(method: .purity(weight: -1), steps: 1),
      .init(method: .ancestral, steps: 1, guidanceScale: .nan), .init(method: .ancestral, steps: 1, truncation: .nucleus(0)),
      .init(method: .ancestral, steps: 1, truncation: .topCodes(0)),
    ] {
      #expect(throws: (any Error).self) { try pipeline.check(labels: [7], settings: wrong) }
    }
    #expect(throws: Never.self) { try pipeline.check(labels: [7, 7], count: 3) }
  }
}

/// Small models out of recorded cases: other kinds than the built-in one.
@Suite struct OtherModelTests {
  private func pipeline(_ denoiser: String) throws -> VQDiffusionPipeline {
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel(denoiser, to: folder)
      return try VQDiffusionPipeline(contentsOf: folder)
    }
  }

  @Test func anUnconditionalModelGenerates() async throws {
    let pipeline = try pipeline("denoiser-uncond")
    #expect(pipeline.classCount == 0 && pipeline.imageSize == (height: 8, width: 8))
    let settings = GenerationSettings(method: .purity(weight: 1), steps: 5, seed: 3)
    let images = try await pipeline.generate(count: 3, settings: settings)
    #expect(images.map(\.label) == [nil, nil, nil] && Set(images.map(\.tokens)).count == 3)
    #expect(images.allSatisfy { $0.image.size == ImageSize(width: 8, height: 8) })
  }

  @Test func anUnconditionalModelTakesNeitherClassNorGuidance() throws {
    let pipeline = try pipeline("denoiser-uncond")
    #expect(throws: PipelineError.labelsForUnconditionalModel(found: 1)) { try pipeline.check(labels: [0]) }
    #expect(throws: PipelineError.labelsForUnconditionalModel(found: 2)) { try pipeline.labels(["all", "x"]) }
    let guided = GenerationSettings(method: .ancestral, steps: 2, guidanceScale: 2)
    #expect {
      try pipeline.check(settings: guided)
    } throws: {
      guard case PipelineError.guidanceUnavailable = $0 else { return false }
      return true
    }
  }

  @Test func aTextModelTakesNoClasses() throws {
    let pipeline = try pipeline("denoiser-text")
    #expect(pipeline.classCount == 0)
    #expect(throws: PipelineError.promptsRequired) { try pipeline.check() }
    #expect(throws: PipelineError.wrongSubjects(expected: "texts", found: "class 0")) { try pipeline.check(labels: [0]) }
    #expect(throws: PipelineError.wrongSubjects(expected: "texts", found: "2 classes")) { try pipeline.labels(["all", "x"]) }
  }

  @Test func aModelWithoutNoClassIsGuidedByTheMeanOfItsClasses() async throws {
    let pipeline = try pipeline("denoiser-class-fc")
    #expect(pipeline.classCount == 11)
    let plain = GenerationSettings(method: .ancestral, steps: 6, seed: 3)
    var guided = plain
    guided.guidanceScale = 5
    let (a, b) = (
      try await pipeline.generate(labels: [4], count: 4, settings: plain),
      try await pipeline.generate(labels: [4], count: 4, settings: guided)
    )
    #expect(a.map(\.tokens) != b.map(\.tokens))
    #expect(try await pipeline.generate(labels: [4], count: 4, settings: guided).map(\.tokens) == b.map(\.tokens))
  }
}
