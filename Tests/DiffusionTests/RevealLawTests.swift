import Diffusion
import Foundation
import Tensor
import Testing

/// Two positions with known predictions: which one is revealed first, and with which code.
@Suite struct RevealLawTests {
  private let predictions: [[Double]] = [[0.7, 0.2, 0.1], [0.3, 0.4, 0.3]]

  private struct TwoPositions: Denoiser {
    var predictions: [[Double]]
    var codes: Int { 3 }

    func logits(tokens: [Int32], length: Int, timesteps: [Int], conditions: [Int]) -> FloatTensor {
      let rows = timesteps.flatMap { _ in predictions.joined().map { Float(log($0)) } }
      return FloatTensor(rows, shape: [timesteps.count, 2, 3])
    }
  }

  /// How often the first step revealed each (position, code).
  private func counts(_ method: SamplingMethod) throws -> [Int] {
    let images = Array(0..<40_000)
    let loop = try SamplingLoop(
      denoiser: TwoPositions(predictions: predictions),
      sampler: method.sampler(SamplingPlan(MaskAndReplaceSchedule(timesteps: 20, codes: 3), length: 2, steps: 2)),
      guidance: nil, noise: PhiloxNoise(seed: 2))
    var counts = Array(repeating: 0, count: 6)
    _ = try loop.run(conditions: images.map { _ in 0 }, images: images) { progress in
      guard progress.step == 1 else { return }
      for tokens in progress.tokens {
        for position in 0..<2 where tokens[position] < 3 { counts[position * 3 + Int(tokens[position])] += 1 }
      }
    }
    return counts
  }

  /// Positions by `scores`, codes by p^exponents.
  private func law(scores: [Double], exponents: [Double]) -> [Double] {
    (0..<2).flatMap { position -> [Double] in
      let powers = predictions[position].map { pow($0, exponents[position]) }
      return powers.map { scores[position] / scores.reduce(0, +) * $0 / powers.reduce(0, +) }
    }
  }

  @Test func fewerTokensChooseEvenly() throws {
    #expect(isPlausible(try counts(.fewerTokens), law: law(scores: [1, 1], exponents: [1, 1])))
  }

  @Test(arguments: [0, 0.5, 2]) func purityChoosesByTheRawMaximumAndSharpens(weight: Double) throws {
    let found = try counts(.purity(weight: weight))
    #expect(isPlausible(found, law: law(scores: [0.7, 0.4], exponents: [1 + 0.7 * weight, 1 + 0.4 * weight])))
    #expect(!isPlausible(found, law: law(scores: [0.7, 0.4], exponents: [1 + 0.7 * (weight + 0.3), 1 + 0.4 * weight])))
  }
}
