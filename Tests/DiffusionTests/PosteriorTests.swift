import Diffusion
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct PosteriorTests {
  @Test(arguments: [(0, 1), (1, 2), (4, 5), (6, 7), (0, 7), (0, 3), (2, 6), (3, 7), (1, 4)])
  func equalsTheMatrixProducts(s: Int, t: Int) throws {
    var uniforms = Uniforms(seed: UInt64(10 * s + t))
    for codes in [1, 2, 7, 13] {
      let schedule = try strongSchedule(timesteps: 7, codes: codes)
      let posterior = Posterior(schedule, from: t, to: s)
      let bayes = DenseKernel(schedule).posterior(from: t, to: s)
      for token in 0...codes {
        let p = uniforms.distribution(codes)
        let exact = bayes(token, p)
        expectClose(weights(of: posterior, token: token, p), exact, absolute: 1e-7, relative: 1e-6, "K \(codes) token \(token)")
        expectClose([exact.reduce(0, +)], [1.0], absolute: 1e-12)
      }
    }
  }

  @Test(arguments: [(0, 1), (50, 51), (20, 80), (0, 100), (98, 100)])
  func masksStayWithTheRatioOfTheirShares(s: Int, t: Int) throws {
    let schedule = try MaskAndReplaceSchedule(timesteps: 100, codes: 11)
    var uniforms = Uniforms(seed: 5)
    // Lemma 1, between any two times and for any prediction.
    let ratio = schedule.cumulative(at: s).mask / schedule.cumulative(at: t).mask
    let found = weights(of: Posterior(schedule, from: t, to: s), token: 11, uniforms.distribution(11))
    expectClose([found[11]], [ratio], absolute: 0, relative: 1e-6)
  }

  @Test func truncatedPredictionsKeepTheirMass() throws {
    let schedule = try strongSchedule(timesteps: 7, codes: 5)
    let p = [0.5, 0, 0.2, 0, 0.1]
    for (s, t) in [(0, 3), (2, 3), (1, 7)] {
      for token in 0...5 {
        let sum = weights(of: Posterior(schedule, from: t, to: s), token: token, p).reduce(0, +)
        expectClose([sum], [0.8], absolute: 1e-6, "s \(s) t \(t) token \(token)")
      }
    }
  }

  @Test func withoutReplacementCodesStay() throws {
    let schedule = try MaskAndReplaceSchedule(
      timesteps: 10, codes: 3, alpha1: 0.9, alphaT: 0, gamma1: 0.1, gammaT: 1)
    for t in 1...9 {
      for s in 0..<t {
        let found = weights(of: Posterior(schedule, from: t, to: s), token: 1, [0.7, 0.2, 0.1])
        expectClose(found, [0.0, 1, 0, 0], absolute: 1e-6)
        let masked = weights(of: Posterior(schedule, from: t, to: s), token: 3, [0.7, 0.2, 0.1])
        let stay = schedule.cumulative(at: s).mask / schedule.cumulative(at: t).mask
        expectClose(masked, [0.7 * (1 - stay), 0.2 * (1 - stay), 0.1 * (1 - stay), stay], absolute: 1e-6)
      }
    }
  }

  @Test(arguments: ["soft", "onehot"]) func matchesTheRecordedPosterior(kind: String) throws {
    let golden = try GoldenCase("posterior")
    let schedule = try MaskAndReplaceSchedule(timesteps: 100, codes: 12)
    let logs = try golden.floats(kind == "soft" ? "in.log_x_start" : "out.log_x0_onehot")
    let recorded = try golden.floats("out.q_posterior.\(kind)")
    let exact = try golden.doubles("in.exact.posterior_probability.\(kind)")
    let (times, tokens) = (try golden.integers("in.t"), try golden.integers("in.x_t"))
    let tolerance = try golden.tolerance("q_posterior.\(kind)")
    for b in 0..<4 {
      let t = times[b] + 1
      for position in 0..<10 {
        let p = (0..<12).map { exp(Double(logs[b, $0, position])) }
        let token = tokens[b * 10 + position]
        let expected = (0..<13).map { exact[(b * 13 + $0) * 10 + position] }
        let found = weights(of: Posterior(schedule, from: t, to: t - 1), token: token, p)
        expectClose(found, expected, absolute: 2e-6, "t \(t) token \(token)")
        let floored = weights(of: Posterior(schedule, from: t, to: t - 1, floor: 1e-30), token: token, p)
        let clamped = floored.map { min(max(log($0), -70), 0) }
        let logExpected = (0..<13).map { Double(recorded[b, $0, position]) }
        expectClose(clamped, logExpected, absolute: tolerance, "log, t \(t) token \(token)")
      }
    }
  }

  @Test func matchesTheRecordedMarginals() throws {
    let golden = try GoldenCase("posterior")
    let schedule = try MaskAndReplaceSchedule(timesteps: 100, codes: 12)
    let (recorded, soft) = (try golden.floats("out.q_pred.onehot"), try golden.floats("out.q_pred.soft"))
    let logs = try golden.floats("in.log_x_start")
    let (times, tokens) = (try golden.integers("in.t"), try golden.integers("in.x0"))
    for b in 0..<4 {
      for position in 0..<10 {
        let columns = (0..<12).map { token in
          var weights = [Float](repeating: .nan, count: 13)
          weights.withUnsafeMutableBufferPointer { schedule.writeCorruption(of: Int32(token), at: times[b] + 1, into: $0) }
          return weights.map(Double.init)
        }
        let onehot = columns[tokens[b * 10 + position]].map { log($0) }
        let expected = (0..<13).map { Double(recorded[b, $0, position]) }
        expectClose(onehot, expected, absolute: try golden.tolerance("q_pred.onehot"))
        let mixed = (0..<13).map { j in
          log((0..<12).reduce(0) { $0 + exp(Double(logs[b, $1, position])) * columns[$1][j] })
        }
        let expectedMixed = (0..<13).map { Double(soft[b, $0, position]) }
        expectClose(mixed, expectedMixed, absolute: try golden.tolerance("q_pred.soft"))
      }
    }
  }
}
