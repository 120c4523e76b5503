import Diffusion
import Foundation
import Testing

/// The samplers' laws with the exact denoiser: sampled frequencies against laws that are computed by enumeration.
@Suite struct SamplerLawTests {
  /// Of one token, and of several.
  private static let (singles, images) = (10_000, 5000)

  static let countingMethods: [SamplingMethod] = [
    .fewerTokens, .purity(weight: 0), .purity(weight: 1.5), .maskGIT(temperature: 0), .maskGIT(temperature: 0.4), .halton,
  ]
  static let remaskingMethods: [SamplingMethod] = [
    .remasking(.cap(0.3)), .remasking(.rescale(0.6)), .remasking(.confidence),
  ]

  private func plan(
    _ corruption: ToyCorruption, _ law: ToyLaw, steps: Int, grid: TimestepGrid = .linear
  ) throws -> SamplingPlan {
    try SamplingPlan(corruption.make(codes: law.codes), layout: .row(law.length), steps: steps, timestepGrid: grid)
  }

  // MARK: One token: the law of the data, whatever the steps

  private static let single = ToyLaw(codes: 3, length: 1, probabilities: [0.55, 0.3, 0.15])

  private func expectTheDataLaw(
    _ method: SamplingMethod, _ plan: SamplingPlan, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let counts = try Self.single.counts(method.sampler(plan), images: Self.singles)
    #expect(isPlausible(counts, law: Self.single.probabilities), "\(counts)", sourceLocation: sourceLocation)
    #expect(!isPlausible(counts, law: [0.52, 0.3, 0.18]), sourceLocation: sourceLocation)
  }

  @Test(
    arguments: [ToyCorruption.strongReplacement, .firstPaper, .absorbing, .uniform],
    [(TimestepGrid.linear, 1), (.linear, 4), (.linear, 6), (.cosine, 3), (.custom([6, 2]), 2)]
  ) func ancestralIsExactForOneToken(corruption: ToyCorruption, grid: (TimestepGrid, Int)) throws {
    try expectTheDataLaw(.ancestral, plan(corruption, Self.single, steps: grid.1, grid: grid.0))
  }

  @Test(arguments: ToyCorruption.masked, [SamplingMethod.fewerTokens, .purity(weight: 0), .maskGIT(temperature: 3), .halton])
  func countingMasksIsExactForOneToken(corruption: ToyCorruption, method: SamplingMethod) throws {
    try expectTheDataLaw(method, plan(corruption, Self.single, steps: 1))
  }

  @Test(arguments: ToyCorruption.masked, remaskingMethods)
  func remaskingIsExactForOneToken(corruption: ToyCorruption, method: SamplingMethod) throws {
    for steps in [1, 5] { try expectTheDataLaw(method, plan(corruption, Self.single, steps: steps)) }
    try expectTheDataLaw(method, plan(corruption, Self.single, steps: 4, grid: .cosine))
    try expectTheDataLaw(method, plan(corruption, Self.single, steps: 2, grid: .custom([6, 1])))
  }

  // MARK: Several tokens: the enumerated law

  private static let laws = [ToyLaw(codes: 3, length: 2), ToyLaw(codes: 2, length: 3)]

  private func expectTheEnumeratedLaw(
    _ method: SamplingMethod, _ corruption: ToyCorruption, steps: (ToyLaw) -> [Int],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for law in Self.laws {
      for steps in steps(law) {
        let plan = try plan(corruption, law, steps: steps)
        let exact = law.table(SamplerOracle(law, plan.corruption).law(of: method, steps: steps))
        #expect(abs(exact.reduce(0, +) - 1) < 1e-9, sourceLocation: sourceLocation)
        let counts = try law.counts(method.sampler(plan), images: Self.images)
        #expect(
          isPlausible(counts, law: exact), "\(method) \(corruption) \(steps) steps: \(counts) from \(exact)",
          sourceLocation: sourceLocation)
        #expect(!isPlausible(counts, law: exact.reversed()), sourceLocation: sourceLocation)
      }
    }
  }

  @Test(arguments: ToyCorruption.allCases) func ancestralHasItsExactLaw(corruption: ToyCorruption) throws {
    try expectTheEnumeratedLaw(.ancestral, corruption) { _ in [1, 2, 4] }
  }

  @Test(arguments: ToyCorruption.allCases) func stridedReferenceHasItsExactLaw(corruption: ToyCorruption) throws {
    try expectTheEnumeratedLaw(.stridedReference, corruption) { _ in [4] }
  }

  @Test(arguments: countingMethods, ToyCorruption.masked)
  func countingMasksHasItsExactLaw(method: SamplingMethod, corruption: ToyCorruption) throws {
    try expectTheEnumeratedLaw(method, corruption) { $0.length == 2 ? [2] : [2, 3] }
  }

  @Test(arguments: [0, 1.5], ToyCorruption.masked)
  func purityReferenceHasItsExactLaw(weight: Double, corruption: ToyCorruption) throws {
    try expectTheEnumeratedLaw(.purityReference(weight: weight), corruption) { _ in [3] }
  }

  @Test(arguments: remaskingMethods, ToyCorruption.masked)
  func remaskingHasItsExactLaw(method: SamplingMethod, corruption: ToyCorruption) throws {
    try expectTheEnumeratedLaw(method, corruption) { _ in [4] }
  }

  @Test func otherGridsHaveTheirExactLaws() throws {
    let law = Self.laws[0]
    for corruption in [ToyCorruption.strongReplacement, .uniform] {
      let toy = try corruption.make(codes: 3)
      // round(6 cos(π/2 · i/3)) and a list of the caller's.
      for (grid, times) in [(TimestepGrid.cosine, [6, 5, 3, 0]), (.custom([6, 4, 1]), [6, 4, 1, 0])] {
        let exact = law.table(SamplerOracle(law, toy).ancestral(times))
        let sampler = try AncestralSampler(plan(corruption, law, steps: 3, grid: grid))
        #expect(isPlausible(try law.counts(sampler, images: Self.images), law: exact))
      }
    }
    let times = (0...4).map { $0 == 4 ? 0 : 6 * cos(.pi / 8 * Double($0)) }
    let oracle = try SamplerOracle(law, ToyCorruption.absorbing.make(codes: 3))
    let exact = law.table(oracle.remasking(.cap(0.4), times: times, from: oracle.allMasks.tokens))
    let sampler = try RemaskingSampler(plan(.absorbing, law, steps: 4, grid: .cosine), remasking: .cap(0.4))
    #expect(isPlausible(try law.counts(sampler, images: Self.images), law: exact))
  }
}
