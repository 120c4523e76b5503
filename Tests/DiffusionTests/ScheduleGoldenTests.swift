import Diffusion
import Foundation
import TestSupport
import Testing

/// The recorded schedules of the public code.
@Suite struct ScheduleGoldenTests {
  private let golden: GoldenCase

  init() throws { golden = try GoldenCase("schedule") }

  /// T and K of each recorded schedule, with the schedule.
  private func schedules() throws -> [(prefix: String, schedule: MaskAndReplaceCorruption)] {
    let params = golden.params
    return try params.array("pairs_T_N").map { pair in
      let (timesteps, codes) = (try #require(pair.arrayValue?.first?.intValue), try #require(pair.arrayValue?.last?.intValue))
      let schedule = try MaskAndReplaceCorruption(
        timesteps: timesteps, codes: codes, alpha1: params.double("att_first"), alphaT: params.double("att_last"),
        gamma1: params.double("ctt_first"), gammaT: params.double("ctt_last"))
      return ("T\(timesteps)_N\(codes).", schedule)
    }
  }

  /// The released models' ends are those that the initialiser takes by default.
  @Test func theUsualEndsAreTheRecordedOnes() throws {
    for (_, schedule) in try schedules() {
      #expect(try MaskAndReplaceCorruption(timesteps: schedule.timesteps, codes: schedule.codes) == schedule)
    }
  }

  @Test func probabilitiesAreTheRecordedOnes() throws {
    let schedules = try schedules()
    #expect(!schedules.isEmpty)
    for (prefix, schedule) in schedules {
      let (steps, cumulative) = transitions(schedule)
      let values: [(String, [Double])] = [
        ("at", steps.map(\.keep)), ("bt", steps.map(\.replace)), ("ct", steps.map(\.mask)),
        ("att", cumulative.map(\.keep)), ("btt", cumulative.map(\.replace)), ("ctt", cumulative.map(\.mask)),
      ]
      for (name, found) in values {
        expectClose(found, try golden.doubles("out." + prefix + name), absolute: 1e-12, prefix + name)
      }
    }
  }

  @Test func logarithmsAreTheRecordedOnes() throws {
    for (prefix, schedule) in try schedules() {
      let (steps, cumulative) = transitions(schedule)
      let logs: [(String, [Double])] = [
        ("log_at", steps.map { log($0.keep) }), ("log_bt", steps.map { log($0.replace) }),
        ("log_ct", steps.map { log($0.mask) }), ("log_1_min_ct", steps.map { log(1 - $0.mask + 1e-40) }),
        ("log_cumprod_at", cumulative.map { log($0.keep) }), ("log_cumprod_bt", cumulative.map { log($0.replace) }),
        ("log_cumprod_ct", cumulative.map { log($0.mask) }),
        ("log_1_min_cumprod_ct", cumulative.map { log(1 - $0.mask + 1e-40) }),
      ]
      for (name, found) in logs {
        let recorded = try golden.doubles("out." + prefix + name)
        expectClose(found, recorded, absolute: try golden.tolerance(prefix + name), prefix + name)
      }
    }
  }

  /// The one-step transitions to t = 1…T, and the cumulative ones; the recorded ones carry the clean state at the end.
  private func transitions(_ schedule: MaskAndReplaceCorruption) -> (steps: [Transition], cumulative: [Transition]) {
    let times = 1...schedule.timesteps
    return (
      times.map { schedule.transition(from: $0 - 1, to: $0) },
      times.map { schedule.cumulative(at: $0) } + [schedule.cumulative(at: 0)]
    )
  }
}
