import Diffusion
import Foundation
import Testing

/// With one token and the exact denoiser the strided posterior is exact, so any number of steps gives the same law.
@Suite struct AncestralLawTests {
  private let law = [0.4, 0.3, 0.15, 0.1, 0.05]

  /// Nothing of x_0 is left at the end, where sampling starts.
  private func schedule() throws -> MaskAndReplaceCorruption {
    try MaskAndReplaceCorruption(timesteps: 8, codes: 5, alpha1: 0.9, alphaT: 0, gamma1: 0.05, gammaT: 0.6)
  }

  private func counts(_ sampler: AncestralSampler, states: [SamplingState]) throws -> [Int] {
    let loop = try SamplingLoop(
      denoiser: ExactDenoiser(ToyLaw(codes: 5, length: 1, probabilities: law), sampler.corruption), sampler: sampler,
      guidance: nil,
      noise: PhiloxNoise(seed: 1))
    let tokens = try loop.run(states, conditions: states.map { _ in 0 })
    return tokens.reduce(into: Array(repeating: 0, count: 5)) { $0[Int($1[0])] += 1 }
  }

  @Test(arguments: [1, 2, 3, 5, 8]) func anyGridGivesTheLawOfTheData(steps: Int) throws {
    let sampler = try AncestralSampler(SamplingPlan(schedule(), length: 1, steps: steps))
    let noise = PhiloxNoise(seed: 1)
    let found = try counts(sampler, states: (0..<100_000).map { try sampler.initialState(image: $0, noise: noise) })
    #expect(isPlausible(found, law: law))
    #expect(!isPlausible(found, law: law.reversed()))
  }

  @Test(arguments: [1, 2, 5]) func partialStartsKeepTheLawOfTheData(steps: Int) throws {
    let sampler = try AncestralSampler(SamplingPlan(schedule(), length: 1, steps: steps, start: 5))
    // Clean tokens in exact proportion to the law, corrupted and restored.
    let clean = law.indices.flatMap { Array(repeating: Int32($0), count: Int(law[$0] * 100_000)) }
    let states = try clean.enumerated().map {
      try sampler.initialState(from: .noised([$1]), image: $0, noise: PhiloxNoise(seed: 1))
    }
    #expect(isPlausible(try counts(sampler, states: states), law: law))
    #expect(states.contains { $0.tokens == [5] } && Set(states.map(\.tokens)).count == 6)
  }
}
