import Foundation
import TestSupport
import Testing
import TrainingCore

@Suite struct ScheduleTests {
  @Test func plateauStopsAtItsMinimum() throws {
    let schedule = try PlateauSchedule(base: 1, peak: 4, minimum: 1.5, warmUp: 0, patience: 0)
    #expect(schedule.rate == 4)
    #expect(try rates(.plateau(schedule), losses: [1, 1, 0.95, 0.5, .nan, 1]) == [4, 2, 1.5, 1.5, 1.5, 1.5])
  }

  @Test func warmUpThenCosineEndsAtZero() throws {
    let schedule = try WarmUpThenCosine(peak: 2, warmUp: 4, steps: 8)
    #expect(schedule.rate == 0.5)
    let half = 2.0.squareRoot() / 2
    expectClose(
      try rates(.warmUpThenCosine(schedule), losses: Array(repeating: 1, count: 9)),
      [1, 1.5, 2, 2, 1 + half, 1, 1 - half, 0, 0], absolute: 1e-12)
    #expect(try WarmUpThenCosine(peak: 2, warmUp: 0, steps: 3).rate == 2)
    #expect(try rates(.constant(3), losses: [1, 2]) == [3, 3])
  }

  @Test func settingsOutsideTheirRangesAreNamed() {
    #expect(throws: TrainingError.setting(name: "the learning rate's peak", expected: "0 or more", found: -1)) {
      try WarmUpThenCosine(peak: -1, warmUp: 0, steps: 3)
    }
    #expect(throws: TrainingError.self) { try WarmUpThenCosine(peak: 1, warmUp: 3, steps: 3) }
    #expect(throws: TrainingError.self) { try CosineSchedule(base: 1, peak: 1, warmUp: 0, period: 3) }
    #expect(throws: TrainingError.self) { try PlateauSchedule(base: 1, peak: 1, warmUp: 0, patience: 1, factor: 1) }
    #expect(throws: TrainingError.self) { try PlateauSchedule(base: .nan, peak: 1, warmUp: 0, patience: 1) }
  }
}
