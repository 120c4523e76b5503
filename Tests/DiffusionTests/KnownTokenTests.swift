import Diffusion
import Foundation
import Testing

@Suite struct KnownTokenTests {
  private static let images = 10_000

  // MARK: What is known is kept

  private static let codes: [Int32?] = [3, nil, nil, 0, 2, nil, nil, nil, nil, nil, nil, 1]

  private func expectKnownTokensStay(_ method: SamplingMethod, _ corruption: ToyCorruption, steps: Int) throws {
    let corruption = try corruption.make(codes: 4, timesteps: 10)
    let known = try KnownTokens(Self.codes)
    #expect(known.unknown == 8)
    let sampler = try method.sampler(SamplingPlan(corruption, layout: .row(12), steps: steps, masks: known.unknown))
    let loop = try SamplingLoop(
      denoiser: ToyDenoiser(codes: 4), sampler: sampler, guidance: Guidance(scale: 2, unconditional: -1),
      noise: PhiloxNoise(seed: 8))
    func isKept(_ tokens: [Int32]) -> Bool { zip(Self.codes, tokens).allSatisfy { $0 == nil || $0 == $1 } }
    var steps = 0
    let tokens = try loop.run(from: .known(known), conditions: [1, 2, 3], images: [0, 1, 2]) { progress in
      steps += 1
      #expect(!corruption.hasMasks || progress.tokens.allSatisfy(isKept), "\(method) step \(steps)")
    }
    #expect(steps == sampler.evaluations)
    #expect(tokens.allSatisfy { isKept($0) && $0.allSatisfy { (0..<4).contains($0) } }, "\(method): \(tokens)")
    #expect(Set(tokens).count == 3)
  }

  @Test(arguments: SamplerTests.methods + [.stridedReference], ToyCorruption.masked)
  func knownTokensStay(method: SamplingMethod, corruption: ToyCorruption) throws {
    try expectKnownTokensStay(method, corruption, steps: 4)
  }

  @Test(arguments: [SamplingMethod.ancestral, .stridedReference], [ToyCorruption.uniform, .plugIn])
  func knownTokensReturnWithoutMasks(method: SamplingMethod, corruption: ToyCorruption) throws {
    try expectKnownTokensStay(method, corruption, steps: 4)
  }

  /// Where tokens are only replaced, the network sees known ones as noisy as the others.
  @Test(arguments: [SamplingMethod.ancestral, .stridedReference])
  func knownTokensAreCorruptedAnewAtEachStep(method: SamplingMethod) throws {
    let corruption = try UniformCorruption(timesteps: 6, codes: 3)
    let dense = DenseCorruption(corruption)
    let law = ToyLaw(codes: 3, length: 2)
    let sampler = try method.sampler(SamplingPlan(corruption, layout: .row(2), steps: 4))
    let known = SamplingStart.known(try KnownTokens([nil, 2]))
    // Of sampling's start, and of the times that the steps lead to: round(6 (1 − i/4)), or every second one.
    var times = method == .ancestral ? [6, 5, 3, 2, 0] : [6, 4, 2, 1, 0]
    func expectLaw(_ tokens: [Int32]) {
      let counts = tokens.reduce(into: Array(repeating: 0, count: 3)) { $0[Int($1)] += 1 }
      let column = dense.chain(from: 0, to: times.removeFirst()).prefix(3).map { $0[2] }
      #expect(isPlausible(counts, law: column), "\(counts) \(column)")
    }
    expectLaw(
      try (0..<Self.images).map { try sampler.initialState(from: known, image: $0, noise: PhiloxNoise(seed: 1)).tokens[1] })
    _ = try law.counts(sampler, images: Self.images, from: known) { expectLaw($0.tokens.map { $0[1] }) }
    #expect(times.isEmpty)
  }

  // MARK: The law of what is made, given what is known

  /// The law of the data given the known tokens.
  private func conditional(_ law: ToyLaw, _ known: [Int?]) -> [Double] {
    let kept = law.probabilities.enumerated().map { number, probability in
      zip(known, law.sequence(number)).allSatisfy { $0 == nil || $0 == $1 } ? probability : 0
    }
    return kept.map { $0 / kept.reduce(0, +) }
  }

  private func counts(_ law: ToyLaw, _ method: SamplingMethod, _ corruption: any Corruption, steps: Int, _ known: [Int?]) throws
    -> [Int]
  {
    let tokens = try KnownTokens(known.map { $0.map { Int32($0) } })
    let sampler = try method.sampler(SamplingPlan(corruption, layout: .row(law.length), steps: steps, masks: tokens.unknown))
    return try law.counts(sampler, images: Self.images, from: .known(tokens))
  }

  @Test(
    arguments: SamplerLawTests.remaskingMethods + [
      .ancestral, .fewerTokens, .purity(weight: 0), .maskGIT(temperature: 1), .halton,
    ])
  func oneUnknownTokenFollowsTheConditionalLaw(method: SamplingMethod) throws {
    let law = ToyLaw(codes: 3, length: 2)
    let corruption = try AbsorbingCorruption(timesteps: 6, codes: 3)
    for known in [[1, nil], [nil, 2]] as [[Int?]] {
      for steps in method.visitsTimes ? [1, 4] : [1] {
        let found = try counts(law, method, corruption, steps: steps, known)
        let exact = conditional(law, known)
        #expect(isPlausible(found, law: exact), "\(found) \(exact)")
      }
    }
  }

  @Test(arguments: [SamplingMethod.fewerTokens, .purity(weight: 0), .halton])
  func twoUnknownTokensFollowTheConditionalLaw(method: SamplingMethod) throws {
    let law = ToyLaw.attractive(codes: 2, length: 3)
    let corruption = try AbsorbingCorruption(timesteps: 6, codes: 2)
    let exact = conditional(law, [nil, 1, nil])
    #expect(isPlausible(try counts(law, method, corruption, steps: 2, [nil, 1, nil]), law: exact))
  }

  @Test(arguments: ToyCorruption.allCases) func ancestralHasItsExactLawGivenKnownTokens(corruption: ToyCorruption) throws {
    let law = ToyLaw(codes: 3, length: 2)
    let corruption = try corruption.make(codes: 3)
    let oracle = SamplerOracle(law, corruption)
    for (known, position) in [([1, nil], 0), ([nil, 0], 1)] as [([Int?], Int)] {
      // Known tokens start as they are with masks, as noise without.
      let start = spread(oracle.noise) { tokens in
        var tokens = tokens
        if corruption.hasMasks { tokens[position] = known[position] ?? 0 }
        return [tokens: 1]
      }
      let exact = law.table(oracle.ancestral([6, 4, 2, 0], from: start, known: known))
      let found = try counts(law, .ancestral, corruption, steps: 3, known)
      #expect(isPlausible(found, law: exact), "\(found) \(exact)")
    }
  }

  // MARK: Nothing known, all known

  @Test func nothingUnknownIsRefused() {
    let error = #expect(throws: DiffusionError.nothingToRepaint(tokens: 3)) { try KnownTokens([1, 0, 2]) }
    #expect(error?.description == "all 3 tokens are known; nothing is left to be made")
    #expect(throws: DiffusionError.nothingToRepaint(tokens: 0)) { try KnownTokens([]) }
  }

  @Test func knownTokensAreChecked() throws {
    let sampler = try AncestralSampler(SamplingPlan(AbsorbingCorruption(timesteps: 6, codes: 3), length: 3, steps: 2))
    func error(_ codes: [Int32?]) -> String? {
      do throws(DiffusionError) {
        _ = try sampler.initialState(from: .known(KnownTokens(codes)), image: 0, noise: PhiloxNoise(seed: 1))
        return nil
      } catch { return error.description }
    }
    #expect(error([nil, 2, 0]) == nil)
    #expect(error([nil, 2]) == "the image to start from must have 3 tokens, found 2")
    #expect(error([nil, 2, 3]) == "the image to start from must hold codes in 0…2, found 3 at position 2")
    #expect(error([-1, nil, 0]) == "the image to start from must hold codes in 0…2, found -1 at position 0")
  }

  @Test(arguments: SamplerTests.methods, ToyCorruption.masked)
  func nothingKnownIsPlainGeneration(method: SamplingMethod, corruption: ToyCorruption) throws {
    try expectPlainGeneration(method, corruption)
  }

  @Test(arguments: [ToyCorruption.uniform, .plugIn])
  func nothingKnownIsPlainGenerationWithoutMasks(corruption: ToyCorruption) throws {
    try expectPlainGeneration(.ancestral, corruption)
  }

  private func expectPlainGeneration(_ method: SamplingMethod, _ corruption: ToyCorruption) throws {
    let sampler = try method.sampler(SamplingPlan(corruption.make(codes: 4), layout: .row(5), steps: 3))
    let loop = try SamplingLoop(
      denoiser: ToyDenoiser(codes: 4), sampler: sampler, guidance: Guidance<Int>?.none, noise: PhiloxNoise(seed: 8))
    let unknown = SamplingStart.known(try KnownTokens(Array(repeating: nil, count: 5)))
    #expect(try loop.run(from: unknown, conditions: [1, 2], images: [0, 1]) == loop.run(conditions: [1, 2], images: [0, 1]))
  }
}
