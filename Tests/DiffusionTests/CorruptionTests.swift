import Diffusion
import Foundation
import TestSupport
import Testing

@Suite struct CorruptionTests {
  /// Mask-and-replace with the plug-in rule, which no shipped corruption has.
  private struct PluggedIn: Corruption {
    let base: MaskAndReplaceCorruption
    var timesteps: Int { base.timesteps }
    var codes: Int { base.codes }
    var name: String { "plugged-in" }
    var startMasks: Double { base.startMasks }
    var reverseRule: ReverseRule { .plugIn }
    func cumulative(at t: Int) -> Transition { base.cumulative(at: t) }
  }

  @Test(arguments: ToyCorruption.allCases, [1, 2, 5])
  func cumulativesAreProductsOfOneStepTransitions(kind: ToyCorruption, codes: Int) throws {
    let corruption = try kind.make(codes: codes, timesteps: 7)
    func matrix(_ transition: Transition) -> [[Double]] {
      DenseCorruption.matrix(keep: transition.keep, replace: transition.replace, mask: transition.mask, codes: codes)
    }
    let dense = DenseCorruption(corruption)
    for t in 1...7 {
      let cumulative = dense.chain(from: 0, to: t)
      expectClose(matrix(corruption.cumulative(at: t)).joined().map { $0 }, cumulative.joined().map { $0 }, absolute: 1e-14)
      for s in 0..<t {
        let chain = dense.chain(from: s, to: t)
        expectClose(
          matrix(corruption.transition(from: s, to: t)).joined().map { $0 }, chain.joined().map { $0 }, absolute: 1e-14)
        #expect((0...codes).allSatisfy { column in abs(chain.reduce(0) { $0 + $1[column] } - 1) < 1e-14 })
      }
      for code in 0..<codes {
        var law = [Float](repeating: .nan, count: codes + 1)
        law.withUnsafeMutableBufferPointer { corruption.writeCorruption(of: Int32(code), at: t, into: $0) }
        expectClose(law.map(Double.init), cumulative.map { $0[code] }, absolute: 1e-7)
      }
    }
    #expect(corruption.cumulative(at: 0) == Transition(keep: 1, replace: 0, mask: 0))
  }

  @Test(arguments: ToyCorruption.allCases, [1, 2, 5])
  func stridedPosteriorsAreBayesRule(kind: ToyCorruption, codes: Int) throws {
    try expectBayesRule(kind.make(codes: codes, timesteps: 7))
  }

  @Test func thePlugInRuleIsItsFormulaWhereTokensAreMaskedToo() throws {
    let base = try MaskAndReplaceCorruption(timesteps: 7, codes: 3, alpha1: 0.9, alphaT: 0.05, gamma1: 0.05, gammaT: 0.6)
    try expectBayesRule(PluggedIn(base: base))
    var uniforms = Uniforms(seed: 4)
    for t in 1...7 {
      for s in 0..<t {
        let (plugged, exact) = (Posterior(PluggedIn(base: base), from: t, to: s), Posterior(base, from: t, to: s))
        let p = uniforms.distribution(3)
        // The same from a mask, and in the last step; another law elsewhere.
        #expect(probabilities(of: plugged, token: 3, p) == probabilities(of: exact, token: 3, p))
        let (found, marginal) = (probabilities(of: plugged, token: 1, p), probabilities(of: exact, token: 1, p))
        if s == 0 {
          #expect(found == marginal)
          expectClose(found, p + [0], absolute: 1e-6)
        } else {
          #expect(zip(found, marginal).contains { abs($0 - $1) > 1e-3 })
        }
      }
    }
  }

  private func expectBayesRule(_ corruption: some Corruption, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let (dense, codes) = (DenseCorruption(corruption), corruption.codes)
    var uniforms = Uniforms(seed: 2)
    for t in 1...corruption.timesteps {
      for s in 0..<t {
        let (posterior, exact) = (Posterior(corruption, from: t, to: s), dense.posterior(from: t, to: s))
        for token in 0..<codes + (corruption.hasMasks ? 1 : 0) {
          let p = uniforms.distribution(codes)
          let expected = exact(token, p)
          // Codes that contradict x_t count for nothing in Bayes' rule; and x_t itself may be impossible.
          let total = expected.reduce(0, +)
          guard total > 0 else { continue }
          expectClose(
            probabilities(of: posterior, token: token, p), expected.map { $0 / total }, absolute: 1e-6,
            "\(corruption.name) \(s) \(t) \(token)",
            sourceLocation: sourceLocation)
        }
      }
    }
  }

  @Test func samplingStartsFromTheLawOfTheLastTime() throws {
    let starts: [(any Corruption, Double)] = [
      (try MaskAndReplaceCorruption(timesteps: 100, codes: 974), 1),
      (try MaskAndReplaceCorruption.firstPaper(timesteps: 100, codes: 974), 0.9),
      (try AbsorbingCorruption(timesteps: 100, codes: 974), 1), (try UniformCorruption(timesteps: 100, codes: 974), 0),
      (try ToyCorruption.strongReplacement.make(codes: 4), 0.6),
    ]
    for (corruption, masks) in starts {
      expectClose([corruption.startMasks], [masks], absolute: 1e-12, corruption.name)
      var law = [Float](repeating: .nan, count: corruption.codes + 1)
      law.withUnsafeMutableBufferPointer { corruption.writeStart(into: $0) }
      let expected = Array(repeating: (1 - masks) / Double(corruption.codes), count: corruption.codes) + [masks]
      expectClose(law.map(Double.init), expected, absolute: 1e-7, corruption.name)
      #expect(corruption.hasMasks == (masks > 0))
    }
  }

  @Test(arguments: [2, 25, 100]) func theFirstPaperMasksNineTenths(timesteps: Int) throws {
    let schedule = try MaskAndReplaceCorruption.firstPaper(timesteps: timesteps, codes: 2886)
    for t in 0...timesteps {
      let (part, found) = (Double(t) / Double(timesteps), schedule.cumulative(at: t))
      expectClose(
        [found.keep, 2886 * found.replace, found.mask], [1 - part, 0.1 * part, 0.9 * part], absolute: 1e-12, "t \(t)")
    }
  }

  @Test func absorbingMasksOneOfTheTimesLeft() throws {
    let schedule = try AbsorbingCorruption(timesteps: 9, codes: 3)
    for t in 1...9 {
      let step = schedule.transition(from: t - 1, to: t)
      // Of those still clean at t − 1, T − t + 1 steps before the end, an equal share goes in each step.
      let masked = 1 / Double(9 - t + 1)
      expectClose([step.keep, step.replace, step.mask], [1 - masked, 0, masked], absolute: 1e-14)
    }
  }

  @Test func uniformFollowsTheCosine() throws {
    for timesteps in [2, 100, 4000] {
      let schedule = try UniformCorruption(timesteps: timesteps, codes: 1024)
      // cos² x = (1 + cos 2x) / 2
      func survival(_ t: Int) -> Double { 1 + cos(.pi * (Double(t) / Double(timesteps) + 0.008) / 1.008) }
      for t in 0...timesteps {
        let found = schedule.cumulative(at: t)
        let keep = survival(t) / survival(0)
        expectClose([found.keep, 1024 * found.replace, found.mask], [keep, 1 - keep, 0], absolute: 1e-14, "t \(t)")
      }
    }
    let found = try UniformCorruption(timesteps: 100, codes: 7)
    expectClose([1, 25, 50, 75, 99, 100].map { found.cumulative(at: $0).keep }, Self.cosines, absolute: 1e-12)
  }

  /// cos²(π/2 · (t/100 + 0.008)/1.008) / cos²(π/2 · 0.008/1.008) at t = 1, 25, 50, 75, 99, 100, computed elsewhere to 15
  /// digits.
  private static let cosines = [
    0.999368718401659, 0.847012161326905, 0.493843590440638, 0.144272102385736, 0.000242857227935006, 0,
  ]

  @Test func refusesImpossibleCorruptions() {
    for timesteps in [1, 0, -3] {
      let error = DiffusionError.timesteps(found: timesteps)
      #expect(throws: error) { try AbsorbingCorruption(timesteps: timesteps, codes: 3) }
      #expect(throws: error) { try UniformCorruption(timesteps: timesteps, codes: 3) }
      #expect(throws: error) { try MaskAndReplaceCorruption.firstPaper(timesteps: timesteps, codes: 3) }
    }
    #expect(throws: DiffusionError.codes(found: 0)) { try AbsorbingCorruption(timesteps: 2, codes: 0) }
    #expect(throws: DiffusionError.codes(found: 0)) { try UniformCorruption(timesteps: 2, codes: 0) }
    #expect(DiffusionError.codes(found: 0).description == "the number of codes must be positive, found 0")
  }
}
