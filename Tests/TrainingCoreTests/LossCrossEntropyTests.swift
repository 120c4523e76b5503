import Diffusion
import Foundation
import Tensor
import TestSupport
import Testing
import TrainingCore

@Suite struct LossCrossEntropyTests {
  /// −Σ y log p over the positions that count, in double precision.
  private func oracle(
    _ logits: [Double], _ batch: TrainingBatch, codes: Int, all: Bool, divisor: Double, smoothing: Double
  ) -> Double {
    batch.clean.indices.reduce(0) { sum, index in
      guard all || Int(batch.corrupted[index]) == codes else { return sum }
      let row = logits[index * codes..<(index + 1) * codes]
      let logSum = log(row.reduce(0) { $0 + exp($1) })
      let terms = row.enumerated().map { k, x in
        (smoothing / Double(codes) + (k == Int(batch.clean[index]) ? 1 - smoothing : 0)) * (logSum - x)
      }
      return sum + terms.reduce(0, +) / divisor
    }
  }

  @Test(arguments: [(false, 0.0), (false, 0.1), (true, 0.1), (true, 0)])
  func equalsTheSumAndItsDifferences(all: Bool, smoothing: Double) throws {
    let codes = 5
    let corruption = try LossKernels.absorbing.corruption(codes: codes)
    var numbers = LossNumbers(seed: 6)
    let clean = (0..<3 * 7).map { _ in numbers.code(codes) }
    let timesteps = [1, 3, 5]
    let corrupted = try ForwardCorruption(corruption: corruption).corrupt(
      clean, timesteps: timesteps, step: 2, noise: PhiloxNoise(seed: 1))
    let batch = try TrainingBatch(clean: clean, corrupted: corrupted, timesteps: timesteps)
    let masked = corrupted.count { $0 == codes }
    try #require(masked > 0 && masked < clean.count)
    let logits = FloatTensor(numbers.logits(clean.count * codes, spread: 3), shape: [3, 7, codes])
    var gradient = logits
    let loss = try MaskedCrossEntropy(
      corruption: corruption, positions: all ? .all : .masked, smoothing: smoothing
    ).replaceWithGradient(batch, logits: &gradient)
    let divisor = Double(all ? clean.count : masked)
    func value(_ logits: [Double]) -> Double {
      oracle(logits, batch, codes: codes, all: all, divisor: divisor, smoothing: smoothing)
    }
    let row = logits.values.map(Double.init)
    expectClose([loss], [value(row)], absolute: 1e-12)
    let differences = row.indices.map { k in
      var (up, down) = (row, row)
      up[k] += 1e-4
      down[k] -= 1e-4
      return (value(up) - value(down)) / 2e-4
    }
    expectClose(gradient, differences, absolute: 2e-9, relative: 1e-6)
  }

  @Test func nothingMaskedCostsNothing() throws {
    let corruption = try LossKernels.absorbing.corruption(codes: 2)
    var logits = FloatTensor([1, 2, 3, 4], shape: [1, 2, 2])
    let loss = try MaskedCrossEntropy(corruption: corruption).replaceWithGradient(
      TrainingBatch(clean: [0, 1], corrupted: [0, 1], timesteps: [0]), logits: &logits)
    #expect(loss == 0)
    #expect(logits.values == [0, 0, 0, 0])
  }

  @Test func settingsAreChecked() throws {
    let corruption = try LossKernels.absorbing.corruption(codes: 2)
    #expect(throws: TrainingError.setting(name: "the label smoothing", expected: "in [0, 1)", found: 1)) {
      try MaskedCrossEntropy(corruption: corruption, smoothing: 1)
    }
  }
}
