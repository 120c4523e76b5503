import Diffusion
import Foundation
import TestSupport
import Testing

/// One step of ReMDM, its probabilities by hand.
@Suite struct RemaskingStepTests {
  /// From t = 4 to s = 2 of T = 8: α_t = 1/2, α_s = 3/4, so σ_max = 1/2, and without remasking half of the masks are revealed.
  private static let cases: [(Remasking, sigmas: [Double], reveal: Double)] = [
    (.cap(0.2), [0.2, 0.2], (0.75 - 0.8 * 0.5) / 0.5), (.cap(0.9), [0.5, 0.5], (0.75 - 0.5 * 0.5) / 0.5),
    (.rescale(0.6), [0.3, 0.3], (0.75 - 0.7 * 0.5) / 0.5),
    // 1/2 softmax(−0.9, −0.1): the doubtful token goes first. A mask has no σ.
    (.confidence, [0.5 / (1 + exp(0.8)), 0.5 / (1 + exp(-0.8))], 0.5),
  ]

  @Test(arguments: 0..<cases.count) func tokensAreMaskedAndRevealedByTheRule(number: Int) throws {
    let (remasking, sigmas, reveal) = Self.cases[number]
    let sampler = try RemaskingSampler(
      SamplingPlan(AbsorbingCorruption(timesteps: 8, codes: 2), length: 3, steps: 4), remasking: remasking)
    let noise = PhiloxNoise(seed: 31)
    var counts = Array(repeating: 0, count: 12)
    let logits = [0.5, 0.5, 0.5, 0.5, 0.3, 0.7].map { Float(log($0)) }
    withPrediction(logits, nil, 1, .none, codes: 2) { prediction in
      for image in 0..<20_000 {
        var state = SamplingState(tokens: [0, 1, 2], image: image, evaluations: 2)
        state.confidences = [0.9, 0.1, 1]
        sampler.advance(&state, prediction: prediction, noise: noise)
        let (first, second, third) = (state.tokens[0], state.tokens[1], Int(state.tokens[2]))
        if (first != 0 && first != 2) || (second != 1 && second != 2) { Issue.record("a code became another") }
        counts[((first == 2 ? 1 : 0) * 2 + (second == 2 ? 1 : 0)) * 3 + third] += 1
        // ψ is the probability of the drawn code, of tokens that stay what it was; it is noted only where it is read.
        let drawn: Float = third == 2 || remasking != .confidence ? 1 : [0.3, 0.7][third]
        if abs(state.confidences[2] - drawn) > 1e-6 || state.confidences[..<2] != [0.9, 0.1] { Issue.record("another ψ") }
      }
    }
    let law = (0..<12).map { number -> Double in
      let masked = [number / 6, number / 3 % 2]
      let token = [0.3 * reveal, 0.7 * reveal, 1 - reveal][number % 3]
      return zip(masked, sigmas).reduce(token) { $0 * ($1.0 == 1 ? $1.1 : 1 - $1.1) }
    }
    #expect(isPlausible(counts, law: law), "\(counts) \(law)")
  }

  /// Codes of a given image count as certain, so that two of them share σ_max = 1/2.
  @Test func givenCodesAreMaskedFromTheFirstStepOn() throws {
    let sampler = try RemaskingSampler(
      SamplingPlan(AbsorbingCorruption(timesteps: 8, codes: 2), length: 3, steps: 2, start: 4), remasking: .confidence)
    let noise = PhiloxNoise(seed: 32)
    var counts = Array(repeating: 0, count: 4)
    withPrediction(Array(repeating: 0, count: 6), nil, 1, .none, codes: 2) { prediction in
      for image in 0..<20_000 {
        var state = SamplingState(tokens: [0, 1, 2], image: image)
        sampler.advance(&state, prediction: prediction, noise: noise)
        counts[(state.tokens[0] == 2 ? 2 : 0) + (state.tokens[1] == 2 ? 1 : 0)] += 1
        if state.confidences[..<2] != [1, 1] || state.confidences.count != 3 { Issue.record("another ψ") }
      }
    }
    let law: [Double] = [0.5625, 0.1875, 0.1875, 0.0625]
    #expect(isPlausible(counts, law: law), "\(counts)")
  }

  /// ψ is the probability with which a token was drawn, so over the codes that truncation leaves it sums to 1.
  @Test(arguments: [(Truncation.none, 4), (.nucleus(0.6), 2), (.topCodes(3), 3), (.topCodes(1), 1)])
  func confidencesAreThoseOfTheTruncatedLaw(truncation: Truncation, kept: Int) throws {
    let p: [Float] = [0.3, 0.05, 0.5, 0.15]
    let sampler = try RemaskingSampler(
      SamplingPlan(AbsorbingCorruption(timesteps: 8, codes: 4), length: 1, steps: 1), remasking: .confidence)
    var confidences: [Int32: Set<Float>] = [:]
    withPrediction(p.map { log($0) }, nil, 1, truncation, codes: 4) { prediction in
      for image in 0..<1000 {
        var state = SamplingState(tokens: [4], image: image)
        sampler.advance(&state, prediction: prediction, noise: PhiloxNoise(seed: 7))
        confidences[state.tokens[0], default: []].insert(state.confidences[0])
      }
    }
    let codes = [2, 0, 3, 1].prefix(kept)
    let total = codes.reduce(0) { $0 + p[$1] }
    #expect(Set(confidences.keys) == Set(codes.map { Int32($0) }) && confidences.values.allSatisfy { $0.count == 1 })
    let found = codes.map { confidences[Int32($0)]?.first ?? .nan }
    expectClose(found, codes.map { p[$0] / total }, absolute: 1e-6)
    expectClose([found.reduce(0, +)], [Float(1)], absolute: 1e-6)
  }

  /// Two tokens are revealed between t = 8 and 4 and may be masked between 4 and 2, where σ_max = 1/2. The nucleus leaves the
  /// first two codes of one position and one code of the other.
  @Test func truncatedLawsShareTheRemasking() throws {
    let sampler = try RemaskingSampler(
      SamplingPlan(
        AbsorbingCorruption(timesteps: 8, codes: 3), length: 2, steps: 3, timestepGrid: .custom([8, 4, 2])),
      remasking: .confidence)
    var counts = Array(repeating: 0, count: 8)
    let logits = [0.5, 0.3, 0.2, 0.1, 0.7, 0.2].map { Float(log($0)) }
    withPrediction(logits, nil, 1, .nucleus(0.6), codes: 3) { prediction in
      for image in 0..<80_000 {
        var state = SamplingState(tokens: [3, 3], image: image)
        sampler.advance(&state, prediction: prediction, noise: PhiloxNoise(seed: 12))
        let code = Int(state.tokens[0])
        guard !state.tokens.contains(3) else { continue }
        sampler.advance(&state, prediction: prediction, noise: PhiloxNoise(seed: 12))
        counts[code * 4 + (state.tokens[0] == 3 ? 2 : 0) + (state.tokens[1] == 3 ? 1 : 0)] += 1
      }
    }
    func law(_ confidences: [Double], other: Double) -> [Double] {
      zip([0.625, 0.375], confidences).flatMap { share, confidence in
        let sigma = 0.5 / (1 + exp(confidence - other))
        let (first, second) = ([1 - sigma, sigma], [0.5 + sigma, 0.5 - sigma])
        return first.flatMap { first in second.map { share * first * $0 } }
      }
    }
    let exact = law([0.625, 0.375], other: 1)
    #expect(isPlausible(counts, law: exact), "\(counts) \(exact)")
    // ψ before the truncated law is normalised.
    #expect(!isPlausible(counts, law: law([0.5, 0.3], other: 0.7)))
  }

  /// Only the confidence rule reads ψ.
  @Test(arguments: [Remasking.cap(0.5), .rescale(0.5)]) func otherRulesNoteNoConfidences(remasking: Remasking) throws {
    let sampler = try RemaskingSampler(
      SamplingPlan(AbsorbingCorruption(timesteps: 8, codes: 2), length: 3, steps: 1), remasking: remasking)
    withPrediction(Array(repeating: 0, count: 6), nil, 1, .none, codes: 2) { prediction in
      var state = SamplingState(tokens: [2, 2, 2], image: 0)
      sampler.advance(&state, prediction: prediction, noise: PhiloxNoise(seed: 3))
      #expect(state.tokens.allSatisfy { $0 < 2 } && state.confidences.isEmpty)
    }
  }
}
