import Diffusion
import Foundation
import TestSupport
import Testing

@Suite struct GuidanceScheduleTests {
  private func scales(_ schedule: GuidanceSchedule, scale: Double = 3) throws -> [Double] {
    let guidance = try Guidance(scale: scale, unconditional: 0, schedule: schedule)
    return (0..<10).map { guidance.scale(atTimestep: $0, of: 10) }
  }

  @Test func schedulesAreTheirFormulas() throws {
    #expect(try scales(.constant) == Array(repeating: 3, count: 10))
    // 1 + 2 (1 − u), u = (timestep + 1)/10
    expectClose(try scales(.ramp), [2.8, 2.6, 2.4, 2.2, 2, 1.8, 1.6, 1.4, 1.2, 1], absolute: 1e-12)
    expectClose(try scales(.ramp, scale: 0), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1], absolute: 1e-12)
    #expect(try scales(.interval(0.2...0.5)) == [1, 3, 3, 3, 3, 1, 1, 1, 1, 1])
    #expect(try scales(.interval(0...1)) == Array(repeating: 3, count: 10))
    #expect(try scales(.interval(0.61...0.69)) == Array(repeating: 1, count: 10))
    // What differs from 1 by less than a thousandth is 1.
    #expect(try scales(.ramp, scale: 1.0055).count { $0 == 1 } == 2)
    #expect(try scales(.constant, scale: 1.0005) == Array(repeating: 1, count: 10))
  }

  @Test func intervalsAreChecked() {
    for interval in [-0.1...0.5, 0.5...1.1, 0.4...0.4] {
      let error = #expect(throws: DiffusionError.self) {
        try Guidance(scale: 2, unconditional: 0, schedule: .interval(interval))
      }
      #expect(
        error?.description
          == "the guidance interval must lie within 0…1 and not be empty, found \(interval.lowerBound)…\(interval.upperBound)")
    }
  }

  /// Two images, the second two steps ahead of the first: times 10, 8, 6, 4, 2 and 6, 4, 2.
  private func run(_ schedule: GuidanceSchedule?) throws -> (tokens: [[Int32]], calls: [ToyDenoiser.Call], evaluations: Int) {
    let denoiser = ToyDenoiser(codes: 4)
    let sampler = try AncestralSampler(SamplingPlan(AbsorbingCorruption(timesteps: 10, codes: 4), length: 30, steps: 5))
    let noise = PhiloxNoise(seed: 3)
    let loop = try SamplingLoop(
      denoiser: denoiser, sampler: sampler,
      guidance: schedule.map { try Guidance(scale: 2.5, unconditional: -1, schedule: $0) },
      options: SamplingOptions(reusesEvaluations: false), noise: noise)
    var states = try (0...1).map { try sampler.initialState(image: $0, noise: noise) }
    states[1].evaluations = 2
    var evaluations = 0
    let tokens = try loop.run(states, conditions: [7, 8]) { evaluations = $0.evaluations }
    return (tokens, denoiser.calls.withLock { $0 }, evaluations)
  }

  @Test func theUnconditionalHalfIsSkippedWhereTheScaleIsOne() throws {
    let found = try run(.interval(0.3...0.7))
    #expect(found.calls.map(\.conditions) == [[7, 8, -1], [7, 8, -1], [7, 8, -1], [7, -1], [7]])
    #expect(found.calls.map(\.timesteps) == [[9, 5, 5], [7, 3, 3], [5, 1, 5], [3, 3], [1]])
    #expect(found.evaluations == 12)
    for (call, guided) in zip(found.calls, [1, 1, 0, 0]) {
      #expect(call.tokens.suffix(30) == call.tokens[guided * 30..<guided * 30 + 30])
    }
    #expect(try run(.ramp).calls.map(\.conditions) == [[7, 8, -1], [7, 8, -1, -1], [7, 8, -1, -1], [7, -1], [7, -1]])
    #expect(
      try run(.constant).calls.map(\.conditions) == [[7, 8, -1, -1], [7, 8, -1, -1], [7, 8, -1, -1], [7, -1], [7, -1]])
  }

  @Test func intervalsThatHoldAllOrNothingAreNoSchedules() throws {
    #expect(try run(.interval(0...1)).tokens == run(.constant).tokens)
    #expect(try run(.interval(0.01...0.05)).tokens == run(nil).tokens)
    #expect(try Set([run(.constant), run(nil), run(.ramp), run(.interval(0.3...0.7))].map(\.tokens)).count == 4)
  }
}
