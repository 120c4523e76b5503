import Diffusion
import Foundation
import TestSupport
import Testing

@Suite struct KernelTests {
  /// Mask-and-replace with the plug-in rule, which no shipped kernel has.
  private struct PluggedIn: CorruptionKernel {
    let base: MaskAndReplaceSchedule
    var timesteps: Int { base.timesteps }
    var codes: Int { base.codes }
    var name: String { "plugged-in" }
    var startMasks: Double { base.startMasks }
    var reverseRule: ReverseRule { .plugIn }
    func cumulative(at t: Int) -> Transition { base.cumulative(at: t) }
  }

  @Test(arguments: ToyKernel.allCases, [1, 2, 5]) func cumulativesAreProductsOfOneStepTransitions(kind: ToyKernel, codes: Int)
    throws
  {
    let kernel = try kind.make(codes: codes, timesteps: 7)
    func matrix(_ transition: Transition) -> [[Double]] {
      DenseKernel.matrix(keep: transition.keep, replace: transition.replace, mask: transition.mask, codes: codes)
    }
    let dense = DenseKernel(kernel)
    for t in 1...7 {
      let cumulative = dense.chain(from: 0, to: t)
      expectClose(matrix(kernel.cumulative(at: t)).joined().map { $0 }, cumulative.joined().map { $0 }, absolute: 1e-14)
      for s in 0..<t {
        let chain = dense.chain(from: s, to: t)
        expectClose(matrix(kernel.transition(from: s, to: t)).joined().map { $0 }, chain.joined().map { $0 }, absolute: 1e-14)
        #expect((0...codes).allSatisfy { column in abs(chain.reduce(0) { $0 + $1[column] } - 1) < 1e-14 })
      }
      for code in 0..<codes {
        var weights = [Float](repeating: .nan, count: codes + 1)
        weights.withUnsafeMutableBufferPointer { kernel.writeCorruption(of: Int32(code), at: t, into: $0) }
        expectClose(weights.map(Double.init), cumulative.map { $0[code] }, absolute: 1e-7)
      }
    }
    #expect(kernel.cumulative(at: 0) == Transition(keep: 1, replace: 0, mask: 0))
  }

  @Test(arguments: ToyKernel.allCases, [1, 2, 5]) func stridedPosteriorsAreBayesRule(kind: ToyKernel, codes: Int) throws {
    try expectBayesRule(kind.make(codes: codes, timesteps: 7))
  }

  @Test func thePlugInRuleIsItsFormulaWhereTokensAreMaskedToo() throws {
    let base = try MaskAndReplaceSchedule(timesteps: 7, codes: 3, alpha1: 0.9, alphaT: 0.05, gamma1: 0.05, gammaT: 0.6)
    try expectBayesRule(PluggedIn(base: base))
    var uniforms = Uniforms(seed: 4)
    for t in 1...7 {
      for s in 0..<t {
        let (plugged, exact) = (Posterior(PluggedIn(base: base), from: t, to: s), Posterior(base, from: t, to: s))
        let p = uniforms.distribution(3)
        // The same from a mask, and in the last step; another law elsewhere.
        #expect(weights(of: plugged, token: 3, p) == weights(of: exact, token: 3, p))
        let (found, marginal) = (weights(of: plugged, token: 1, p), weights(of: exact, token: 1, p))
        if s == 0 {
          #expect(found == marginal)
          expectClose(found, p + [0], absolute: 1e-6)
        } else {
          #expect(zip(found, marginal).contains { abs($0 - $1) > 1e-3 })
        }
      }
    }
  }

  private func expectBayesRule(_ kernel: some CorruptionKernel, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let (dense, codes) = (DenseKernel(kernel), kernel.codes)
    var uniforms = Uniforms(seed: 2)
    for t in 1...kernel.timesteps {
      for s in 0..<t {
        let (posterior, exact) = (Posterior(kernel, from: t, to: s), dense.posterior(from: t, to: s))
        for token in 0..<codes + (kernel.hasMasks ? 1 : 0) {
          let p = uniforms.distribution(codes)
          let expected = exact(token, p)
          // Codes that contradict x_t count for nothing in Bayes' rule; and x_t itself may be impossible.
          let total = expected.reduce(0, +)
          guard total > 0 else { continue }
          expectClose(
            weights(of: posterior, token: token, p), expected.map { $0 / total }, absolute: 1e-6,
            "\(kernel.name) \(s) \(t) \(token)",
            sourceLocation: sourceLocation)
        }
      }
    }
  }

  @Test func kernelsStartWhereTheyEnd() throws {
    let starts: [(any CorruptionKernel, Double)] = [
      (try MaskAndReplaceSchedule(timesteps: 100, codes: 974), 1),
      (try MaskAndReplaceSchedule.firstPaper(timesteps: 100, codes: 974), 0.9),
      (try AbsorbingSchedule(timesteps: 100, codes: 974), 1), (try UniformSchedule(timesteps: 100, codes: 974), 0),
      (try ToyKernel.strongReplacement.make(codes: 4), 0.6),
    ]
    for (kernel, masks) in starts {
      expectClose([kernel.startMasks], [masks], absolute: 1e-12, kernel.name)
      var weights = [Float](repeating: .nan, count: kernel.codes + 1)
      weights.withUnsafeMutableBufferPointer { kernel.writeStart(into: $0) }
      let expected = Array(repeating: (1 - masks) / Double(kernel.codes), count: kernel.codes) + [masks]
      expectClose(weights.map(Double.init), expected, absolute: 1e-7, kernel.name)
      #expect(kernel.hasMasks == (masks > 0))
    }
  }

  @Test(arguments: [2, 25, 100]) func theFirstPaperMasksNineTenths(timesteps: Int) throws {
    let schedule = try MaskAndReplaceSchedule.firstPaper(timesteps: timesteps, codes: 2886)
    for t in 0...timesteps {
      let (part, found) = (Double(t) / Double(timesteps), schedule.cumulative(at: t))
      expectClose([found.keep, 2886 * found.replace, found.mask], [1 - part, 0.1 * part, 0.9 * part], absolute: 1e-12, "t \(t)")
    }
  }

  @Test func absorbingMasksOneOfTheTimesLeft() throws {
    let schedule = try AbsorbingSchedule(timesteps: 9, codes: 3)
    for t in 1...9 {
      let step = schedule.transition(from: t - 1, to: t)
      // Of those still clean at t − 1, T − t + 1 steps before the end, an equal share goes in each step.
      let masked = 1 / Double(9 - t + 1)
      expectClose([step.keep, step.replace, step.mask], [1 - masked, 0, masked], absolute: 1e-14)
    }
  }

  @Test func uniformFollowsTheCosine() throws {
    for timesteps in [2, 100, 4000] {
      let schedule = try UniformSchedule(timesteps: timesteps, codes: 1024)
      // cos² x = (1 + cos 2x) / 2
      func survival(_ t: Int) -> Double { 1 + cos(.pi * (Double(t) / Double(timesteps) + 0.008) / 1.008) }
      for t in 0...timesteps {
        let found = schedule.cumulative(at: t)
        let keep = survival(t) / survival(0)
        expectClose([found.keep, 1024 * found.replace, found.mask], [keep, 1 - keep, 0], absolute: 1e-14, "t \(t)")
      }
    }
    let found = try UniformSchedule(timesteps: 100, codes: 7)
    expectClose([1, 25, 50, 75, 99, 100].map { found.cumulative(at: $0).keep }, Self.cosines, absolute: 1e-12)
  }

  /// cos²(π/2 · (t/100 + 0.008)/1.008) / cos²(π/2 · 0.008/1.008) at t = 1, 25, 50, 75, 99, 100, computed elsewhere to 15 digits.
  private static let cosines = [
    0.999368718401659, 0.847012161326905, 0.493843590440638, 0.144272102385736, 0.000242857227935006, 0,
  ]

  @Test func refusesImpossibleKernels() {
    for timesteps in [1, 0, -3] {
      let error = DiffusionError.timesteps(found: timesteps)
      #expect(throws: error) { try AbsorbingSchedule(timesteps: timesteps, codes: 3) }
      #expect(throws: error) { try UniformSchedule(timesteps: timesteps, codes: 3) }
      #expect(throws: error) { try MaskAndReplaceSchedule.firstPaper(timesteps: timesteps, codes: 3) }
    }
    #expect(throws: DiffusionError.codes(found: 0)) { try AbsorbingSchedule(timesteps: 2, codes: 0) }
    #expect(throws: DiffusionError.codes(found: 0)) { try UniformSchedule(timesteps: 2, codes: 0) }
    #expect(DiffusionError.codes(found: 0).description == "the number of codes must be positive, found 0")
  }
}
