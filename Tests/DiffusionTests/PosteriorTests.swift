import Diffusion
import Foundation
import TestSupport
import Testing

@Suite struct PosteriorTests {
  @Test(arguments: [(0, 1), (1, 2), (4, 5), (6, 7), (0, 7), (0, 3), (2, 6), (3, 7), (1, 4)])
  func equalsTheMatrixProducts(s: Int, t: Int) throws {
    var uniforms = Uniforms(seed: UInt64(10 * s + t))
    for codes in [1, 2, 7, 13] {
      let schedule = try strongSchedule(timesteps: 7, codes: codes)
      let posterior = Posterior(schedule, from: t, to: s)
      let bayes = DenseCorruption(schedule).posterior(from: t, to: s)
      for token in 0...codes {
        let p = uniforms.distribution(codes)
        let exact = bayes(token, p)
        expectClose(
          probabilities(of: posterior, token: token, p), exact, absolute: 1e-7, relative: 1e-6, "K \(codes) token \(token)")
        expectClose([exact.reduce(0, +)], [1.0], absolute: 1e-12)
      }
    }
  }

  @Test(arguments: [(0, 1), (1, 2), (6, 7), (0, 7), (2, 6)]) func entriesAreExactInDoublePrecision(s: Int, t: Int) throws {
    for codes in [1, 2, 7] {
      let schedule = try strongSchedule(timesteps: 7, codes: codes)
      let (posterior, bayes) = (Posterior(schedule, from: t, to: s), DenseCorruption(schedule).posterior(from: t, to: s))
      for token in 0...codes {
        for clean in 0..<codes {
          let found = (0...codes).map { posterior.probability(of: $0, token: token, clean: clean) }
          let p = (0..<codes).map { $0 == clean ? 1.0 : 0 }
          expectClose(found, bayes(token, p), absolute: 1e-14, relative: 1e-12, "K \(codes) token \(token) clean \(clean)")
        }
      }
    }
    // Without replacement a code is what it was from the start.
    let masking = try AbsorbingCorruption(timesteps: 7, codes: 3)
    let posterior = Posterior(masking, from: t, to: s)
    #expect((0...3).map { posterior.probability(of: $0, token: 1, clean: 2) } == [0, 1, 0, 0])
  }

  @Test(arguments: [(0, 1), (50, 51), (20, 80), (0, 100), (98, 100)])
  func masksStayWithTheRatioOfTheirShares(s: Int, t: Int) throws {
    let schedule = try MaskAndReplaceCorruption(timesteps: 100, codes: 11)
    var uniforms = Uniforms(seed: 5)
    // Lemma 1, between any two times and for any prediction.
    let ratio = schedule.cumulative(at: s).mask / schedule.cumulative(at: t).mask
    let found = probabilities(of: Posterior(schedule, from: t, to: s), token: 11, uniforms.distribution(11))
    expectClose([found[11]], [ratio], absolute: 0, relative: 1e-6)
  }

  @Test func truncatedPredictionsKeepTheirMass() throws {
    let schedule = try strongSchedule(timesteps: 7, codes: 5)
    let p = [0.5, 0, 0.2, 0, 0.1]
    for (s, t) in [(0, 3), (2, 3), (1, 7)] {
      for token in 0...5 {
        let sum = probabilities(of: Posterior(schedule, from: t, to: s), token: token, p).reduce(0, +)
        expectClose([sum], [0.8], absolute: 1e-6, "s \(s) t \(t) token \(token)")
      }
    }
  }

  @Test func withoutReplacementCodesStay() throws {
    let schedule = try MaskAndReplaceCorruption(
      timesteps: 10, codes: 3, alpha1: 0.9, alphaT: 0, gamma1: 0.1, gammaT: 1)
    for t in 1...9 {
      for s in 0..<t {
        let found = probabilities(of: Posterior(schedule, from: t, to: s), token: 1, [0.7, 0.2, 0.1])
        expectClose(found, [0.0, 1, 0, 0], absolute: 1e-6)
        let masked = probabilities(of: Posterior(schedule, from: t, to: s), token: 3, [0.7, 0.2, 0.1])
        let stay = schedule.cumulative(at: s).mask / schedule.cumulative(at: t).mask
        expectClose(masked, [0.7 * (1 - stay), 0.2 * (1 - stay), 0.1 * (1 - stay), stay], absolute: 1e-6)
      }
    }
  }
}
