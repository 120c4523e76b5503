import Diffusion
import Foundation
import TestSupport
import Testing

@Suite struct ScheduleTests {
  @Test func corruptionSumsToOneAtEveryTime() throws {
    for schedule in [try MaskAndReplaceCorruption(timesteps: 100, codes: 13), try strongSchedule(timesteps: 9, codes: 13)] {
      var law = [Float](repeating: .nan, count: 14)
      for t in 0...schedule.timesteps {
        law.withUnsafeMutableBufferPointer { schedule.writeCorruption(of: 4, at: t, into: $0) }
        #expect(abs(law.map(Double.init).reduce(0, +) - 1) < 1e-6)
        #expect(law[13] == Float(schedule.cumulative(at: t).mask))
        if t == 0 { #expect(law == (0...13).map { $0 == 4 ? 1 : 0 }) }
      }
    }
  }

  @Test func transitionsCompose() throws {
    let schedule = try strongSchedule(timesteps: 8, codes: 5)
    for (s, t, u) in [(0, 1, 2), (0, 3, 8), (2, 5, 7), (1, 2, 8)] {
      let (first, second) = (schedule.transition(from: s, to: t), schedule.transition(from: t, to: u))
      let whole = schedule.transition(from: s, to: u)
      expectClose([whole.keep], [first.keep * second.keep], absolute: 1e-14)
      expectClose([1 - whole.mask], [(1 - first.mask) * (1 - second.mask)], absolute: 1e-14)
      expectClose([whole.keep + 5 * whole.replace + whole.mask], [1.0], absolute: 1e-14)
    }
  }

  @Test func masksAreInterpolatedBetweenTimes() throws {
    let schedule = try strongSchedule(timesteps: 5, codes: 3)
    for t in 0...5 { expectClose([schedule.cumulativeMask(at: Double(t))], [schedule.cumulative(at: t).mask], absolute: 1e-15) }
    expectClose([schedule.cumulativeMask(at: 0.5)], [0.025], absolute: 1e-15)
    let between = 0.75 * schedule.cumulative(at: 4).mask + 0.25 * schedule.cumulative(at: 5).mask
    expectClose([schedule.cumulativeMask(at: 4.25)], [between], absolute: 1e-15)
  }

  @Test func nearestTimeHasTheNearestShareOfMasks() throws {
    let schedule = try MaskAndReplaceCorruption(timesteps: 100, codes: 7)
    #expect(schedule.nearestTime(maskFraction: 1) == 100)
    #expect(schedule.nearestTime(maskFraction: 0) == 1)
    for t in 1...100 { #expect(schedule.nearestTime(maskFraction: schedule.cumulative(at: t).mask + 0.004) == t) }
  }

  @Test func refusesImpossibleSchedules() {
    func error(
      _ timesteps: Int = 10, _ codes: Int = 4, _ alpha1: Double = 0.9, _ alphaT: Double = 0.1, _ gamma1: Double = 0.05,
      _ gammaT: Double = 0.6
    ) -> DiffusionError? {
      do throws(DiffusionError) {
        _ = try MaskAndReplaceCorruption(
          timesteps: timesteps, codes: codes, alpha1: alpha1, alphaT: alphaT, gamma1: gamma1, gammaT: gammaT)
        return nil
      } catch { return error }
    }
    func name(_ error: DiffusionError?) -> String? {
      guard case .scheduleParameter(let name, _, _) = error else { return nil }
      return name
    }
    #expect(error() == nil)
    #expect(error(1) == .timesteps(found: 1))
    #expect(error(10, 0) == .codes(found: 0))
    #expect(name(error(10, 4, 1.1)) == "alpha_1")
    #expect(name(error(10, 4, .nan)) == "alpha_1")
    #expect(name(error(10, 4, 0.5, 0.6)) == "alpha_T")
    #expect(name(error(10, 4, 0.9, -0.1)) == "alpha_T")
    #expect(name(error(10, 4, 0.9, 0.1, 0)) == "gamma_1")
    #expect(name(error(10, 4, 0.9, 0.1, 0.2)) == "gamma_1")
    #expect(name(error(10, 4, 0.9, 0.1, 0.05, 0.01)) == "gamma_T")
    #expect(name(error(10, 4, 0.9, 0.1, 0.05, 0.95)) == "gamma_T")
    #expect(
      error(10, 4, 0.5, 0.5, 0.05, 0.5) == .risingSchedule(alpha1: 0.5, alphaT: 0.5, gamma1: 0.05, gammaT: 0.5))
    #expect(error(1)?.description == "a schedule needs at least 2 timesteps, found 1")
  }
}
