import Diffusion
import Foundation
import Testing

/// More steps bring the samplers' laws nearer to the law of the data; numbers without sampling noise.
@Suite struct ConvergenceTests {
  private static let law = ToyLaw.attractive(codes: 2, length: 3)
  private static let irregular = ToyLaw(codes: 2, length: 3)

  private func laws(
    _ method: SamplingMethod, _ corruption: ToyCorruption, of law: ToyLaw = law, timesteps: Int = 6, steps: [Int]
  ) throws -> [Law<[Int]>] {
    let oracle = SamplerOracle(law, try corruption.make(codes: 2, timesteps: timesteps))
    return steps.map { oracle.law(of: method, steps: $0) }
  }

  private func distances(_ method: SamplingMethod, _ corruption: ToyCorruption, timesteps: Int = 6, steps: [Int]) throws
    -> [Double]
  {
    try laws(method, corruption, timesteps: timesteps, steps: steps).map { Self.law.totalVariation(to: $0) }
  }

  private func isFalling(_ numbers: [Double]) -> Bool { zip(numbers, numbers.dropFirst()).allSatisfy { $0 > $1 } }

  @Test(arguments: [ToyCorruption.strongReplacement, .firstPaper, .absorbing, .uniform])
  func ancestralApproachesTheData(corruption: ToyCorruption) throws {
    let found = try distances(.ancestral, corruption, timesteps: 24, steps: [1, 2, 4, 8, 24])
    #expect(isFalling(found), "\(found)")
    #expect(found[0] > 0.05 && found[4] < found[0] / 6, "\(found)")
  }

  @Test(arguments: [SamplingMethod.fewerTokens, .purity(weight: 0), .halton])
  func oneTokenAtATimeIsExact(method: SamplingMethod) throws {
    let found = try distances(method, .absorbing, steps: [1, 2, 3])
    #expect(isFalling(found) && found[0] > 0.05, "\(found)")
    #expect(found[2] < 1e-12, "\(found)")
    // Steps that only split others lower the divergence for any law, if not the total variation.
    let divergences = try laws(method, .absorbing, of: Self.irregular, steps: [1, 2, 3]).map {
      Self.irregular.divergence(from: $0)
    }
    #expect(isFalling(divergences) && divergences[0] > 0.05 && divergences[2] < 1e-12, "\(divergences)")
  }

  /// To prefer confident codes is to prefer some codes: MaskGIT's law isn't the data's however many its steps.
  @Test func confidenceBiasesTheLaw() throws {
    let greedy = try distances(.maskGIT(temperature: 0), .absorbing, steps: [1, 2, 3])
    let annealed = try distances(.maskGIT(temperature: 100), .absorbing, steps: [1, 2, 3])
    #expect(greedy[2] > 0.01, "\(greedy)")
    #expect(isFalling(annealed) && annealed[2] < greedy[2] / 10, "\(annealed)")
  }

  @Test(arguments: SamplerLawTests.remaskingMethods) func remaskingApproachesTheData(method: SamplingMethod) throws {
    let found = try distances(method, .absorbing, steps: [1, 2, 4, 8])
    #expect(isFalling(found) && found[0] > 0.05, "\(found)")
  }

  // MARK: The paper's example: AA or BB, never AB or BA (Section 3.2)

  private static let pair = ToyLaw.equalPair

  /// The sampled share of AB and BA.
  private func mixed(_ method: SamplingMethod, steps: Int, timesteps: Int = 8) throws -> [Int] {
    let plan = try SamplingPlan(AbsorbingCorruption(timesteps: timesteps, codes: 2), layout: .row(2), steps: steps)
    let counts = try Self.pair.counts(method.sampler(plan), images: 20_000)
    return [counts[1] + counts[2], counts[0] + counts[3]]
  }

  @Test func oneTokenAtATimeNeverMixes() throws {
    #expect(isPlausible(try mixed(.fewerTokens, steps: 1), law: [0.5, 0.5]))
    #expect(try mixed(.fewerTokens, steps: 2) == [0, 20_000])
    #expect(try mixed(.halton, steps: 2) == [0, 20_000])
    #expect(try mixed(.purity(weight: 1), steps: 2) == [0, 20_000])
  }

  /// Both tokens appear in the same one of N equal steps with probability 1/N, and half of those pairs are mixed.
  @Test(arguments: [1, 2, 4, 8]) func ancestralMixesLessWithMoreSteps(steps: Int) throws {
    let rate = 1 / Double(2 * steps)
    #expect(isPlausible(try mixed(.ancestral, steps: steps), law: [rate, 1 - rate]))
  }

  @Test(arguments: SamplerLawTests.remaskingMethods) func remaskingMixesLessWithMoreSteps(method: SamplingMethod) throws {
    let oracle = SamplerOracle(Self.pair, try AbsorbingCorruption(timesteps: 8, codes: 2))
    let rates = [1, 2, 4, 8, 16].map { steps in
      let law = Self.pair.table(oracle.law(of: method, steps: steps))
      return law[1] + law[2]
    }
    #expect(abs(rates[0] - 0.5) < 1e-12 && isFalling(rates), "\(rates)")
    #expect(isPlausible(try mixed(method, steps: 8), law: [rates[3], 1 - rates[3]]))
  }
}
