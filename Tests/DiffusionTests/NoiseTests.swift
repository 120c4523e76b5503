import Diffusion
import Foundation
import Testing

@Suite struct NoiseTests {
  private func counts(_ law: [Float], draws: Int, seed: UInt64 = 1) -> [Int] {
    let noise = PhiloxNoise(seed: seed)
    var counts = Array(repeating: 0, count: law.count)
    law.withUnsafeBufferPointer { law in
      for draw in 0..<draws {
        counts[noise.categorical(law, key: DrawKey(.token, image: draw % 7, step: draw / 7, position: 3))] += 1
      }
    }
    return counts
  }

  @Test(arguments: [1, 2, 5, 33]) func tokensFollowTheirLaw(codes: Int) {
    var uniforms = Uniforms(seed: 4)
    let law = uniforms.distribution(codes, sharpness: 1)
    #expect(isPlausible(counts(law.map { Float(0.3 * $0) }, draws: 40_000), law: law))
    #expect(codes == 1 || !isPlausible(counts(law.map { Float($0) }, draws: 40_000), law: law.reversed()))
  }

  @Test func tinyProbabilitiesAreDrawnInTheirTurn() {
    // 400 codes of 5e-8 beside one that has nearly all: Gumbel noise in single precision draws hardly any of them.
    let tiny = Float(5e-8)
    let found = counts([1] + Array(repeating: tiny, count: 400), draws: 2_000_000, seed: 3)
    let others = found.dropFirst().reduce(0, +)  // 40 expected
    #expect(others > 15 && others < 75)
  }

  @Test func impossibleTokensAreNeverDrawn() {
    let found = counts([0, 1, 0, 2, 0], draws: 3000)
    #expect(found[0] + found[2] + found[4] == 0 && found[1] > 800 && found[3] > 1700)
    #expect(counts([0, 0, 1e-30, 0], draws: 100) == [0, 0, 100, 0])
  }

  @Test func everyPartOfTheKeyCounts() {
    let noise = PhiloxNoise(seed: 5)
    let keys = [
      DrawKey(.token, image: 1, step: 2, position: 3), DrawKey(.order, image: 1, step: 2, position: 3),
      DrawKey(.corruption, image: 1, step: 2, position: 3), DrawKey(.token, image: 0, step: 2, position: 3),
      DrawKey(.token, image: 1, step: 0, position: 3), DrawKey(.token, image: 1, step: 2, position: 0),
      DrawKey(.token, image: 2, step: 1, position: 3),
    ]
    #expect(Set(keys.map { noise.uniform($0) } + keys.map { PhiloxNoise(seed: 60).uniform($0) }).count == 14)
    #expect(noise.uniform(keys[0]) == PhiloxNoise(seed: 5).uniform(keys[0]))
  }

  @Test func anImageOfARunIsTheFirstOfARunWithItsOwnSeed() {
    let third = DrawKey(.order, image: 3, step: 7, position: 2)
    let first = DrawKey(.order, image: 0, step: 7, position: 2)
    #expect(PhiloxNoise(seed: .max).uniform(third) == PhiloxNoise(seed: 2).uniform(first))
  }

  @Test func theRaceDrawsWithoutReplacement() throws {
    let scores: [Float] = [0.1, 0, 0.5, 0.2, 0.2]
    let sampler = try FewerTokensSampler(
      SamplingPlan(MaskAndReplaceCorruption(timesteps: 4, codes: 3), length: 5, steps: 1))
    let noise = PhiloxNoise(seed: 8)
    var counts = Array(repeating: 0, count: 25)
    for image in 0..<40_000 {
      let chosen = sampler.choose(2, scores: scores, of: try sampler.initialState(image: image, noise: noise), noise: noise)
      counts[chosen[0] * 5 + chosen[1]] += 1
    }
    // First by score, then by score among the others.
    let law = (0..<25).map { pair -> Double in
      let (first, second) = (Double(scores[pair / 5]), Double(scores[pair % 5]))
      return pair / 5 == pair % 5 ? 0 : first * second / (1 - first)
    }
    #expect(isPlausible(counts, law: law))
    #expect(sampler.choose(5, scores: scores, of: try sampler.initialState(image: 0, noise: noise), noise: noise).count == 4)
  }
}
