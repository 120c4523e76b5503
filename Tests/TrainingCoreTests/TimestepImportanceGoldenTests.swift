import Foundation
import TestSupport
import Testing
import TrainingCore

/// The public code's history of losses and the probabilities that follow from it.
@Suite struct TimestepImportanceGoldenTests {
  @Test func recordedHistoryAndProbabilities() throws {
    let golden = try GoldenCase("training")
    var state = try TimestepImportance(
      history: golden.floats("in.Lt_history_before").values, counts: golden.doubles("in.Lt_count_before").map { Int($0) })
    expectClose(
      state.importance, try golden.doubles("out.importance_pt_all"), absolute: try golden.tolerance("importance_pt_all"))
    let timesteps = try golden.integers("in.t")
    let (kl, likelihood) = (try golden.floats("out.kl").values, try golden.floats("out.decoder_nll").values)
    state.record(timesteps.indices.map { timesteps[$0] == 0 ? likelihood[$0] : kl[$0] }, at: timesteps)
    expectClose(
      state.history, try golden.floats("out.Lt_history_after").values, absolute: try golden.tolerance("Lt_history_after"))
    #expect(try state.counts.map(Double.init) == golden.doubles("out.Lt_count_after"))
  }
}
