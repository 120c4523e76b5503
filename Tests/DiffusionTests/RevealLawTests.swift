import Diffusion
import Foundation
import Tensor
import Testing

/// Two positions with known predictions: which one is revealed first, and with which code.
@Suite struct RevealLawTests {
  private let predictions: [[Double]] = [[0.7, 0.2, 0.1], [0.3, 0.4, 0.3]]

  private struct Rows: Denoiser {
    var predictions: [[Double]]
    var codes: Int { 3 }

    func logits(tokens: [Int32], length: Int, timesteps: [Int], conditions: [Int]) -> FloatTensor {
      let rows = timesteps.flatMap { _ in predictions.joined().map { Float(max(log($0), -80)) } }
      return FloatTensor(rows, shape: [timesteps.count, predictions.count, 3])
    }
  }

  /// How often the first step revealed each (position, code).
  private func counts(_ method: SamplingMethod) throws -> [Int] {
    let images = Array(0..<40_000)
    let loop = try SamplingLoop(
      denoiser: Rows(predictions: predictions),
      sampler: method.sampler(SamplingPlan(MaskAndReplaceCorruption(timesteps: 20, codes: 3), layout: .row(2), steps: 2)),
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

  /// The masked positions of a noised start were drawn by themselves: of a sharp and a blunt one the first is revealed as often
  /// as if nothing else had been masked or kept.
  @Test(arguments: [SamplingMethod.purity(weight: 1.5), .maskGIT(temperature: 0.4)])
  func noisedStartsSayNothingOfTheOrder(method: SamplingMethod) throws {
    let (sharp, blunt) = ([0.9, 0.06, 0.04], [0.5, 0.5, 0])
    let images = Array(0..<20_000)
    let sampler = try method.sampler(
      SamplingPlan(AbsorbingCorruption(timesteps: 20, codes: 3), length: 8, steps: 2, start: 10, masks: 2))
    let loop = try SamplingLoop(
      denoiser: Rows(predictions: (0..<8).map { $0 < 4 ? sharp : blunt }), sampler: sampler, guidance: nil,
      noise: PhiloxNoise(seed: 2))
    var counts = [0, 0]
    let start = SamplingStart.noised(Array(repeating: 0, count: 8))
    _ = try loop.run(from: start, conditions: images.map { _ in 0 }, images: images) { progress in
      guard progress.step == 1 else { return }
      for (before, after) in zip(progress.tokensBefore, progress.tokens)
      where before[..<4].contains(3) && before[4...].contains(3) {
        counts[after[..<4].contains(3) ? 1 : 0] += 1
      }
    }
    // By purity; or by the drawn code's p^(1 / τ'), τ' = 0.4 / 2.
    func beats(_ p: Double) -> Double { pow(p, 5) / (pow(p, 5) + pow(0.5, 5)) }
    var first = 0.9 / 1.4
    if case .maskGIT = method { first = sharp.reduce(0) { $0 + $1 * beats($1) } }
    #expect(isPlausible(counts, law: [first, 1 - first]), "\(counts), expected \(first)")
  }
}
