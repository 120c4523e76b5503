import Diffusion
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct TrajectoryTests {
  static let unguided = ["ancestral", "partial", "rule1", "rule1-limited", "rule2", "fast-skip1"].map { "sampling-" + $0 }
  static let guided = ["guided", "guided-mean-class", "rule2-weighted", "fast-skip2"].map { "sampling-" + $0 }

  @Test(arguments: unguided + guided) func everyStepGivesTheRecordedTokens(name: String) throws {
    try GoldenTrajectory(name).replaySteps()
  }

  @Test(arguments: unguided) func theLoopGivesTheRecordedTokens(name: String) throws {
    let trajectory = try GoldenTrajectory(name)
    try trajectory.replay(through: RecordedDenoiser(trajectory), conditions: trajectory.classes)
  }

  @Test func thePartialStartIsTheRecordedOne() throws {
    let trajectory = try GoldenTrajectory("sampling-partial")
    let golden = trajectory.golden
    #expect(
      try trajectory.initialStates().flatMap(\.tokens).map { Int($0) } == (try golden.integers("out.q_sample.tokens")))
    let (recorded, clean) = (try golden.floats("out.q_sample.log_q"), try golden.integers("in.x0"))
    let (codes, length, start) = (trajectory.codes, trajectory.length, trajectory.sampler.plan.start)
    #expect(start < trajectory.schedule.timesteps && clean.count == trajectory.batch * length)
    for i in clean.indices {
      var law = [Float](repeating: .nan, count: codes + 1)
      law.withUnsafeMutableBufferPointer {
        trajectory.schedule.writeCorruption(of: Int32(clean[i]), at: start, into: $0)
      }
      expectClose(
        law.map { log($0) }, (0...codes).map { recorded[i / length, $0, i % length] },
        absolute: try golden.tolerance("q_sample.log_q"))
    }
  }

  @Test(arguments: ["rule1", "rule1-limited", "rule2", "rule2-weighted"].map { "sampling-" + $0 })
  func scoresAndTheRaceAreTheRecordedOnes(name: String) throws {
    let trajectory = try GoldenTrajectory(name)
    let (golden, length) = (trajectory.golden, trajectory.length)
    let sampler = try #require(trajectory.sampler as? PublicPuritySampler)
    let (recorded, masked) = (try golden.floats("out.race_score"), try golden.integers("out.x_before"))
    let (counts, chosen) = (try golden.integers("out.n_selected"), try golden.integers("out.selected_in_race_order"))
    let width = try golden.shape("out.selected_in_race_order")[2]
    for row in 0..<trajectory.calls * trajectory.batch where counts[row] > 0 {
      let (call, image) = (row / trajectory.batch, row % trajectory.batch)
      let logits = trajectory.prediction(call: call)
      let scores = logits.withUnsafeBufferPointer {
        sampler.scores(
          Prediction(
            logProbabilities: $0.baseAddress! + image * length * trajectory.codes, codes: trajectory.codes))
      }
      let eligible = (0..<length).map { masked[row * length + $0] == trajectory.codes ? scores[$0] : 0 }
      let expected = (0..<length).map { recorded[call, image, $0] }
      expectClose(eligible, expected, absolute: try golden.tolerance("race_score"))
      let state = SamplingState(tokens: [], image: image, evaluations: call)
      let found = sampler.choose(counts[row], scores: eligible, of: state, noise: trajectory.noise)
      #expect(found == Array(chosen[row * width..<row * width + counts[row]]))
    }
  }
}
