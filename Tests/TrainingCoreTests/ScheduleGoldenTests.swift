import Foundation
import TestSupport
import Testing
import TrainingCore

/// The public code's learning rates.
@Suite struct ScheduleGoldenTests {
  @Test func recordedPlateau() throws {
    let golden = try GoldenCase("training-lr")
    let recorded = golden.params["plateau"]
    let schedule = try PlateauSchedule(
      base: recorded.double("base_lr"), peak: recorded.double("warmup_lr"), minimum: recorded.double("min_lr"),
      warmUp: recorded.int("warmup"), patience: recorded.int("patience"), factor: recorded.double("factor"),
      threshold: recorded.double("threshold"))
    #expect(try schedule.rate == recorded.double("base_lr"))
    expectClose(
      try rates(.plateau(schedule), losses: golden.doubles("in.losses")), try golden.doubles("out.plateau_lr"),
      absolute: try min(1e-12, golden.tolerance("plateau_lr")))
  }

  @Test func recordedCosine() throws {
    let golden = try GoldenCase("training-lr")
    let recorded = golden.params["cosine"]
    let schedule = try CosineSchedule(
      base: recorded.double("base_lr"), peak: recorded.double("warmup_lr"), minimum: recorded.double("min_lr"),
      warmUp: recorded.int("warmup"), period: recorded.int("T_max"))
    #expect(try schedule.rate == recorded.double("base_lr"))
    expectClose(
      try rates(.cosine(schedule), losses: golden.doubles("in.losses")), try golden.doubles("out.cosine_lr"),
      absolute: try min(1e-12, golden.tolerance("cosine_lr")))
  }
}

/// The rates after each step. The schedule is encoded and decoded in between, so that its whole state counts.
func rates(_ schedule: LearningRate, losses: [Double]) throws -> [Double] {
  var schedule = schedule
  return try losses.map { loss in
    schedule.advance(loss: loss)
    schedule = try JSONDecoder().decode(LearningRate.self, from: JSONEncoder().encode(schedule))
    return schedule.rate
  }
}
