import Diffusion
import Foundation
import Testing

/// Starts from a noised image.
@Suite struct NoisedStartTests {
  private static let (images, lawImages) = (10_000, 20_000)
  private let noise = PhiloxNoise(seed: 6)

  private func states(_ sampler: any Sampler, of tokens: [Int32]) throws -> [[Int32]] {
    try (0..<Self.images).map { try sampler.initialState(from: .noised(tokens), image: $0, noise: noise).tokens }
  }

  /// How often each of the (K + 1)² pairs came.
  private func counts(_ pairs: [[Int32]], codes: Int) -> [Int] {
    pairs.reduce(into: Array(repeating: 0, count: (codes + 1) * (codes + 1))) { $0[Int($1[0]) * (codes + 1) + Int($1[1])] += 1 }
  }

  @Test(arguments: ToyCorruption.allCases, [1, 4, 6])
  func redrawingSamplersStartFromTheCorruptedLaw(corruption: ToyCorruption, start: Int) throws {
    let corruption = try corruption.make(codes: 3)
    let sampler = try AncestralSampler(SamplingPlan(corruption, length: 2, steps: 1, start: start))
    let column = DenseCorruption(corruption).chain(from: 0, to: start)
    let law = column.flatMap { first in column.map { first[2] * $0[0] } }
    #expect(isPlausible(counts(try states(sampler, of: [2, 0]), codes: 3), law: law))
  }

  /// ReMDM keeps codes, so a replaced one would stay to the end: it only masks.
  @Test(arguments: ToyCorruption.masked, [1, 4])
  func remaskingStartsFromTheImagesOwnCodes(corruption: ToyCorruption, start: Int) throws {
    let corruption = try corruption.make(codes: 3)
    let sampler = try RemaskingSampler(SamplingPlan(corruption, length: 2, steps: 3, start: start), remasking: .confidence)
    let masked = corruption.cumulative(at: start).mask
    let (first, second) = ([0, 0, 1 - masked, masked], [1 - masked, 0, 0, masked])
    let law = first.flatMap { first in second.map { first * $0 } }
    #expect(isPlausible(counts(try states(sampler, of: [2, 0]), codes: 3), law: law))
  }

  @Test(arguments: SamplerLawTests.countingMethods + [.purityReference(weight: 1)])
  func countingSamplersMaskExactlySoMany(method: SamplingMethod) throws {
    let clean: [Int32] = [2, 0, 1, 1]
    for corruption in [ToyCorruption.absorbing, .firstPaper] {
      let sampler = try method.sampler(SamplingPlan(corruption.make(codes: 3), layout: .row(4), steps: 2, start: 4, masks: 2))
      let found = try states(sampler, of: clean)
      #expect(found.allSatisfy { zip(clean, $0).allSatisfy { $1 == 3 || $0 == $1 } && $0.count { $0 == 3 } == 2 })
      // All six pairs of positions alike.
      let pairs = found.map { tokens in tokens.indices.filter { tokens[$0] == 3 } }
      let counts = Dictionary(pairs.map { ($0, 1) }, uniquingKeysWith: +)
      #expect(counts.count == 6 && isPlausible(Array(counts.values), law: Array(repeating: 1 / 6, count: 6)))
    }
  }

  @Test func stepsAreThoseOfTheMasksThatAreLeft() throws {
    func evaluations(_ method: SamplingMethod, steps: Int, masks: Int, start: Int = 5) throws -> Int {
      let corruption = try AbsorbingCorruption(timesteps: 10, codes: 3)
      let sampler = try method.sampler(SamplingPlan(corruption, layout: .row(8), steps: steps, start: start, masks: masks))
      var progress: [SamplingProgress] = []
      let denoiser = ToyDenoiser(codes: 3)
      let loop = try SamplingLoop(denoiser: denoiser, sampler: sampler, guidance: nil, noise: noise)
      let tokens = try loop.run(from: .noised([0, 1, 2, 0, 1, 2, 0, 1]), conditions: [4], images: [9]) { progress.append($0) }
      #expect(tokens[0].allSatisfy { (0..<3).contains($0) })
      #expect(progress.count == sampler.evaluations && progress.allSatisfy { $0.totalSteps == sampler.evaluations })
      #expect(denoiser.calls.withLock { $0.count } == progress.last?.evaluations)
      #expect((progress.last?.evaluations ?? 0) + (progress.last?.reused ?? 0) == sampler.evaluations)
      return sampler.evaluations
    }
    #expect(try evaluations(.fewerTokens, steps: 3, masks: 5) == 3)
    #expect(try evaluations(.fewerTokens, steps: 7, masks: 5) == 5)
    #expect(try evaluations(.fewerTokens, steps: 8, masks: 1) == 1)
    #expect(try evaluations(.purity(weight: 1), steps: 4, masks: 4) == 4)
    #expect(try evaluations(.ancestral, steps: 5, masks: 8) == 5)
    #expect(try evaluations(.remasking(.cap(0.1)), steps: 9, masks: 8) == 9)
    // ⌊5 cos(π/2 · i/3)⌋ = 4, 2 and ⌊5 · 2/π · arccos(i/3)⌋ = 3, 2.
    #expect(try evaluations(.maskGIT(temperature: 1), steps: 3, masks: 5) == 3)
    #expect(try evaluations(.halton, steps: 3, masks: 5) == 3)
    // ⌊2 · 2/π · arccos(i/4)⌋ = 1, 1, 0: two steps have something to reveal.
    #expect(try evaluations(.halton, steps: 4, masks: 2) == 2)
  }

  private func expectTheEnumeratedLaw(
    _ method: SamplingMethod, _ corruption: ToyCorruption, steps: Int, time: Int, masks: Int = 3, of clean: [Int],
    from start: Law<[Int]>,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let law = ToyLaw(codes: 2, length: 3)
    let corruption = try corruption.make(codes: 2)
    let exact = law.table(
      SamplerOracle(law, corruption).law(of: method, steps: steps, from: .init(tokens: start, masks: masks, time: time)))
    let sampler = try method.sampler(SamplingPlan(corruption, layout: .row(3), steps: steps, start: time, masks: masks))
    let counts = try law.counts(sampler, images: Self.lawImages, from: .noised(clean.map { Int32($0) }))
    #expect(isPlausible(counts, law: exact), "\(method) \(counts) from \(exact)", sourceLocation: sourceLocation)
  }

  /// The law of the whole way, from an image with two of its three tokens masked: which ones they are tells nothing about the
  /// order in which they are revealed.
  @Test(arguments: SamplerLawTests.countingMethods + [.purityReference(weight: 1.5)], ToyCorruption.masked)
  func countingMasksHasItsExactLawFromAnImage(method: SamplingMethod, corruption: ToyCorruption) throws {
    let start: Law<[Int]> = [[0, 2, 2]: 1 / 3, [2, 1, 2]: 1 / 3, [2, 2, 1]: 1 / 3]
    for steps in method.name == "purity-reference" ? [3] : [1, 2] {
      try expectTheEnumeratedLaw(method, corruption, steps: steps, time: 5, masks: 2, of: [0, 1, 1], from: start)
    }
  }

  /// Codes that the image gave may be masked from the first step on.
  @Test(arguments: SamplerLawTests.remaskingMethods, ToyCorruption.masked)
  func remaskingHasItsExactLawFromAnImage(method: SamplingMethod, corruption: ToyCorruption) throws {
    let masked = try corruption.make(codes: 2).cumulative(at: 3).mask
    let start = independent([0, 1, 1].map { [$0: 1 - masked, 2: masked] })
    for steps in [1, 3] { try expectTheEnumeratedLaw(method, corruption, steps: steps, time: 3, of: [0, 1, 1], from: start) }
  }

  @Test(arguments: [ToyCorruption.strongReplacement, .absorbing, .uniform])
  func ancestralHasItsExactLawFromAnImage(corruption: ToyCorruption) throws {
    let law = ToyLaw(codes: 3, length: 2)
    let corruption = try corruption.make(codes: 3)
    let column = DenseCorruption(corruption).chain(from: 0, to: 4)
    let start = independent([2, 0].map { code in Law(uniqueKeysWithValues: (0...3).map { ($0, column[$0][code]) }) })
    let exact = law.table(SamplerOracle(law, corruption).ancestral([4, 2, 0], from: start))
    // A list of times may start below T: the image is noised up to its first time.
    for grid in [TimestepGrid.linear, .custom([4, 2])] {
      let sampler = try AncestralSampler(SamplingPlan(corruption, length: 2, steps: 2, start: 4, timestepGrid: grid))
      #expect(isPlausible(try law.counts(sampler, images: Self.images, from: .noised([2, 0])), law: exact))
    }
  }
}
