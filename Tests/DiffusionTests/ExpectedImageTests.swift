import Diffusion
import Foundation
import Testing

/// `SamplingProgress.expected`: the clean image that the network expected before a step.
@Suite struct ExpectedImageTests {
  /// The most probable codes of a toy denoiser, whose logits don't depend on the batch.
  private func mostProbable(_ tokens: [Int32], timestep: Int, condition: Int) throws -> [Int32] {
    let logits = try ToyDenoiser(codes: 4).logits(
      tokens: tokens, length: tokens.count, timesteps: [timestep], conditions: [condition])
    return tokens.indices.map { position in
      Int32((0..<4).max { logits[0, position, $0] < logits[0, position, $1] } ?? 0)
    }
  }

  @Test(arguments: SamplerTests.methods) func openPositionsHaveTheMostProbableCode(method: SamplingMethod) throws {
    let known: [Int32?] = [nil, 2, nil, nil, nil, 0, nil]
    let sampler = try method.sampler(
      SamplingPlan(AbsorbingCorruption(timesteps: 8, codes: 4), layout: .row(7), steps: 3, masks: 5))
    let noise = PhiloxNoise(seed: 4)
    let loop = try SamplingLoop(
      denoiser: ToyDenoiser(codes: 4), sampler: sampler, guidance: nil, options: SamplingOptions(reportsExpected: true),
      noise: noise)
    var states = try [0, 1].map { try sampler.initialState(from: .known(KnownTokens(known)), image: $0, noise: noise) }
    _ = try loop.run(from: .known(KnownTokens(known)), conditions: [5, 6], images: [0, 1]) { progress in
      for image in 0...1 {
        let before = states[image].tokens
        let timestep = try #require(sampler.timestep(of: states[image]))
        let best = try mostProbable(before, timestep: timestep, condition: 5 + image)
        let expected = before.indices.map { position in
          // Samplers that only reveal take codes as they are; the others may change all but the known ones.
          let isOpen = sampler.readsMaskedOnly ? before[position] == 4 : known[position] == nil
          return isOpen ? best[position] : before[position]
        }
        #expect(progress.expected[image] == expected)
        #expect(expected[1] == 2 && expected[5] == 0 && !expected.contains(4))
        states[image].tokens = progress.tokens[image]
        states[image].evaluations += 1
      }
    }
    #expect(states.allSatisfy { sampler.timestep(of: $0) == nil })
  }

  /// Without masks known tokens are noisy on the way, but the expected image has them clean.
  @Test func knownTokensAreExpectedWithoutMasks() throws {
    let corruption = try UniformCorruption(timesteps: 8, codes: 4)
    let sampler = try AncestralSampler(SamplingPlan(corruption, length: 3, steps: 4))
    let loop = try SamplingLoop(
      denoiser: ToyDenoiser(codes: 4), sampler: sampler, guidance: nil, options: SamplingOptions(reportsExpected: true),
      noise: PhiloxNoise(seed: 4))
    var noisy = 0
    _ = try loop.run(from: .known(KnownTokens([nil, 2, 0])), conditions: Array(0..<9), images: Array(0..<9)) { progress in
      #expect(progress.expected.allSatisfy { $0?[1] == 2 && $0?[2] == 0 })
      noisy += progress.tokens.count { $0[1] != 2 }
    }
    #expect(noisy > 0)
  }

  @Test func onlyImagesThatTookPartHaveOne() throws {
    let sampler = try AncestralSampler(SamplingPlan(AbsorbingCorruption(timesteps: 8, codes: 4), length: 3, steps: 3))
    let noise = PhiloxNoise(seed: 4)
    for isOn in [true, false] {
      let loop = try SamplingLoop(
        denoiser: ToyDenoiser(codes: 4), sampler: sampler, guidance: nil, options: SamplingOptions(reportsExpected: isOn),
        noise: noise)
      var late = try sampler.initialState(image: 1, noise: noise)
      late.evaluations = 2
      var has: [[Bool]] = []
      _ = try loop.run([sampler.initialState(image: 0, noise: noise), late], conditions: [1, 2]) {
        has.append($0.expected.map { $0 != nil })
      }
      #expect(has == [[isOn, isOn], [isOn, false], [isOn, false]])
    }
  }
}
