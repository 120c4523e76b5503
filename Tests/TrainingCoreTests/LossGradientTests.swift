import Diffusion
import Foundation
import Tensor
import TestSupport
import Testing
import TrainingCore

/// The loss and its gradient against matrices and differences.
@Suite struct LossGradientTests {
  @Test(arguments: LossKernels.allCases, [1, 2, 3, 13]) func equalsMatricesAndDifferences(kind: LossKernels, codes: Int) throws {
    let corruption = try kind.corruption(codes: codes)
    for (isAdaptive, spread) in [(true, 2.0), (false, 5.0)] {
      let settings = try VariationalLossSettings(
        auxiliaryWeight: 0.3, isAdaptive: isAdaptive, maskedWeight: 0.7, unmaskedWeight: 1.4)
      try compare(corruption, settings, spread: spread, seed: UInt64(codes))
    }
  }

  /// Logits so far apart that predictions and posteriors meet their bounds.
  @Test(arguments: LossKernels.allCases) func boundsLetNoDerivativeThrough(kind: LossKernels) throws {
    try compare(kind.corruption(codes: 7), VariationalLossSettings(auxiliaryWeight: 0.3), spread: 90, seed: 3)
  }

  private func compare(_ corruption: any Corruption, _ settings: VariationalLossSettings, spread: Double, seed: UInt64) throws {
    let (length, codes) = (5, corruption.codes)
    var numbers = LossNumbers(seed: seed)
    let timesteps = Array(0..<corruption.timesteps)
    let clean = (0..<timesteps.count * length).map { _ in numbers.code(codes) }
    let corrupted = try ForwardCorruption(corruption: corruption).corrupt(
      clean, timesteps: timesteps, step: 0, noise: PhiloxNoise(seed: seed))
    let probabilities = timesteps.map { 0.1 + 0.05 * Double($0) }
    let batch = try TrainingBatch(
      clean: clean, corrupted: corrupted, timesteps: timesteps, probabilities: probabilities)
    let logits = FloatTensor(
      numbers.logits(clean.count * codes, spread: spread), shape: [timesteps.count, length, codes])
    var gradient = logits
    let loss = VariationalLoss(corruption: corruption, settings: settings)
    let terms = try loss.replaceWithGradient(batch, logits: &gradient)
    #expect(try loss.terms(batch, logits: logits) == terms)

    let oracle = LossOracle(corruption: corruption, settings: settings)
    var (expected, total): ([Double], Double) = ([], 0)
    for index in clean.indices {
      let sample = index / length
      let row = logits.values[index * codes..<(index + 1) * codes].map(Double.init)
      let (x0, xt, t) = (Int(clean[index]), Int(corrupted[index]), timesteps[sample])
      let scale = 1 / (probabilities[sample] * Double(clean.count))
      let exact = oracle.terms(logits: row, clean: x0, token: xt, timestep: t)
      expectClose(
        [terms.divergences[index], terms.decoder[index], terms.auxiliary[index]],
        [exact.divergence, exact.decoder, exact.auxiliary], absolute: 1e-6, relative: 1e-6, "t \(t), x_t \(xt), x_0 \(x0)")
      total += scale * oracle.weighted(logits: row, clean: x0, token: xt, timestep: t)
      expected += oracle.gradient(logits: row, clean: x0, token: xt, timestep: t).map { $0 * scale }
    }
    expectClose([terms.loss], [total], absolute: 1e-6, relative: 1e-6)
    expectClose(gradient, expected, absolute: 1e-8, relative: 2e-6)
  }

  @Test func threadsDontChangeTheGradient() throws {
    let corruption = try LossKernels.strong.corruption(codes: 11)
    var numbers = LossNumbers(seed: 8)
    let clean = (0..<3 * 37).map { _ in numbers.code(11) }
    let timesteps = [0, 3, 6]
    let noise = PhiloxNoise(seed: 4)
    let logits = FloatTensor(numbers.logits(clean.count * 11, spread: 3), shape: [3, 37, 11])
    func run() throws -> ([Int32], LossTerms, [Float]) {
      let corrupted = try ForwardCorruption(corruption: corruption).corrupt(clean, timesteps: timesteps, step: 1, noise: noise)
      var gradient = logits
      let terms = try VariationalLoss(corruption: corruption, settings: VariationalLossSettings()).replaceWithGradient(
        TrainingBatch(clean: clean, corrupted: corrupted, timesteps: timesteps), logits: &gradient)
      return (corrupted, terms, gradient.values)
    }
    let threads = ThreadPool.shared.threadCount
    defer { ThreadPool.shared.setThreadCount(threads) }
    ThreadPool.shared.setThreadCount(1)
    let alone = try run()
    ThreadPool.shared.setThreadCount(3)
    let together = try run()
    #expect(alone.0 == together.0)
    #expect(alone.1 == together.1)
    #expect(alone.2.map(\.bitPattern) == together.2.map(\.bitPattern))
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let corruption = try LossKernels.strong.corruption(codes: 3)
    let loss = try VariationalLoss(corruption: corruption, settings: VariationalLossSettings())
    let logits = FloatTensor(zeros: [1, 2, 3])
    func terms(_ clean: [Int32], _ corrupted: [Int32], _ t: Int, _ logits: FloatTensor) throws -> LossTerms {
      try loss.terms(TrainingBatch(clean: clean, corrupted: corrupted, timesteps: [t]), logits: logits)
    }
    #expect(throws: TrainingError.code(codes: 3, index: 1, found: 3)) { try terms([0, 3], [0, 0], 1, logits) }
    #expect(throws: TrainingError.token(codes: 3, index: 0, found: 4)) { try terms([0, 1], [4, 0], 1, logits) }
    #expect(throws: TrainingError.timestep(timesteps: 7, sample: 0, found: 7)) { try terms([0, 1], [3, 0], 7, logits) }
    #expect(throws: TrainingError.shape(of: "the logits", expected: [1, 2, 3], found: [2, 3])) {
      try terms([0, 1], [3, 0], 1, logits.reshaped([2, 3]))
    }
    #expect(throws: TrainingError.logitsNotFinite(sample: 0, position: 1)) {
      try terms([0, 1], [3, 0], 1, FloatTensor([0, 0, 0, 0, .nan, 0], shape: [1, 2, 3]))
    }
    #expect(throws: TrainingError.setting(name: "the probability of a timestep", expected: "in (0, 1]", found: 0)) {
      try TrainingBatch(clean: [0], corrupted: [0], timesteps: [0], probabilities: [0])
    }
    #expect(throws: TrainingError.setting(name: "the auxiliary weight", expected: "in [0, infinity)", found: -1)) {
      try VariationalLossSettings(auxiliaryWeight: -1)
    }
  }
}
