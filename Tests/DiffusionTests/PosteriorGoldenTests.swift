import Diffusion
import Foundation
import Tensor
import TestSupport
import Testing

/// The recorded posteriors and marginals of the public code, at B times of L tokens each.
@Suite struct PosteriorGoldenTests {
  private let golden: GoldenCase
  private let schedule: MaskAndReplaceCorruption
  private let length: Int
  /// The papers' time of each batch item.
  private let times: [Int]

  init() throws {
    golden = try GoldenCase("posterior")
    let params = golden.params
    schedule = try MaskAndReplaceCorruption(timesteps: params.int("timesteps"), codes: params.int("codebook_size"))
    length = try params.int("sequence_length")
    times = try golden.integers("in.t").map { $0 + 1 }
  }

  private var codes: Int { schedule.codes }

  /// [B, rows, L] at one batch item and position.
  private func column(_ tensor: FloatTensor, _ b: Int, _ position: Int, rows: Int) -> [Double] {
    (0..<rows).map { Double(tensor[b, $0, position]) }
  }

  @Test(arguments: ["soft", "onehot"]) func posteriorsAreTheRecordedOnes(kind: String) throws {
    let logs = try golden.floats(kind == "soft" ? "in.log_x_start" : "out.log_x0_onehot")
    let recorded = try golden.floats("out.q_posterior.\(kind)")
    let exact = try golden.doubles("in.exact.posterior_probability.\(kind)")
    let tokens = try golden.integers("in.x_t")
    let tolerance = try golden.tolerance("q_posterior.\(kind)")
    for (b, t) in times.enumerated() {
      let posterior = Posterior(schedule, from: t, to: t - 1)
      let floored = Posterior(schedule, from: t, to: t - 1, floor: 1e-30)
      for position in 0..<length {
        let p = column(logs, b, position, rows: codes).map { exp($0) }
        let token = tokens[b * length + position]
        let expected = (0...codes).map { exact[(b * (codes + 1) + $0) * length + position] }
        let found = probabilities(of: posterior, token: token, p)
        expectClose(found, expected, absolute: 2e-6, "t \(t) token \(token)")
        let clamped = probabilities(of: floored, token: token, p).map { min(max(log($0), -70), 0) }
        let logExpected = column(recorded, b, position, rows: codes + 1)
        expectClose(clamped, logExpected, absolute: tolerance, "log, t \(t) token \(token)")
      }
    }
  }

  @Test func marginalsAreTheRecordedOnes() throws {
    let (recorded, soft) = (try golden.floats("out.q_pred.onehot"), try golden.floats("out.q_pred.soft"))
    let logs = try golden.floats("in.log_x_start")
    let tokens = try golden.integers("in.x0")
    let (tolerance, softTolerance) = (try golden.tolerance("q_pred.onehot"), try golden.tolerance("q_pred.soft"))
    for (b, t) in times.enumerated() {
      let columns = (0..<codes).map { token in
        var law = [Float](repeating: .nan, count: codes + 1)
        law.withUnsafeMutableBufferPointer { schedule.writeCorruption(of: Int32(token), at: t, into: $0) }
        return law.map(Double.init)
      }
      for position in 0..<length {
        let onehot = columns[tokens[b * length + position]].map { log($0) }
        expectClose(onehot, column(recorded, b, position, rows: codes + 1), absolute: tolerance)
        let p = column(logs, b, position, rows: codes).map { exp($0) }
        let mixed = (0...codes).map { j in log(p.indices.reduce(0) { $0 + p[$1] * columns[$1][j] }) }
        expectClose(mixed, column(soft, b, position, rows: codes + 1), absolute: softTolerance)
      }
    }
  }
}
