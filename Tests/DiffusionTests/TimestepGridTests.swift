import Diffusion
import Foundation
import TestSupport
import Testing

@Suite struct TimestepGridTests {
  @Test(arguments: [2, 9, 100], [TimestepGrid.linear, .cosine])
  func gridsFallFromStartToZero(timesteps: Int, grid: TimestepGrid) throws {
    for start in Set([timesteps, max(1, timesteps - 3), 1]) {
      for steps in 1...start {
        let times = try grid.times(from: start, steps: steps, timesteps: timesteps)
        #expect(times.count == steps + 1 && times.first == start && times.last == 0)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 > $1 }, "\(times)")
        let exact = try grid.continuousTimes(from: start, steps: steps, timesteps: timesteps)
        #expect(exact.count == steps + 1 && exact.first == Double(start) && exact.last == 0)
        #expect(zip(exact, exact.dropFirst()).allSatisfy { $0 > $1 }, "\(exact)")
        if grid == .linear { #expect(zip(times, exact).allSatisfy { abs(Double($0) - $1) <= 0.5 + 1e-9 }) }
      }
      #expect(try grid.times(from: start, steps: start, timesteps: timesteps) == Array((0...start).reversed()))
    }
  }

  @Test func gridsAreTheirFormulas() throws {
    #expect(try TimestepGrid.linear.times(from: 100, steps: 3, timesteps: 100) == [100, 67, 33, 0])
    #expect(try TimestepGrid.linear.times(from: 9, steps: 2, timesteps: 9) == [9, 5, 0])
    // 100 cos(π/8 · i)
    #expect(try TimestepGrid.cosine.times(from: 100, steps: 4, timesteps: 100) == [100, 92, 71, 38, 0])
    expectClose(
      try TimestepGrid.cosine.continuousTimes(from: 100, steps: 4, timesteps: 100),
      [100, 92.387953251128676, 70.710678118654752, 38.268343236508977, 0], absolute: 1e-10)
    expectClose(
      try TimestepGrid.linear.continuousTimes(from: 4, steps: 8, timesteps: 100), (0...8).map { 4 - 0.5 * Double($0) },
      absolute: 1e-12)
    // Where cosine steps are shorter than 1 they become 1, and no more of them than must.
    #expect(try TimestepGrid.cosine.times(from: 9, steps: 7, timesteps: 9) == [9, 8, 7, 6, 5, 4, 2, 0])
    #expect(try TimestepGrid.custom([70, 20, 1]).times(from: 70, steps: 3, timesteps: 100) == [70, 20, 1, 0])
    #expect(try TimestepGrid.custom([70, 20]).continuousTimes(from: 70, steps: 2, timesteps: 100) == [70, 20, 0])
  }

  @Test func aListSaysWhereToStart() throws {
    let plan = try SamplingPlan(
      AbsorbingCorruption(timesteps: 100, codes: 3), length: 2, steps: 2, timestepGrid: .custom([70, 20]))
    #expect(plan.start == 70)
    let sampler = try AncestralSampler(plan)
    var state = try sampler.initialState(image: 0, noise: PhiloxNoise(seed: 1))
    #expect(sampler.timestep(of: state) == 69)
    state.evaluations = 1
    #expect(sampler.timestep(of: state) == 19)
    state.evaluations = 2
    #expect(sampler.timestep(of: state) == nil)
  }

  /// Codes that are noise at T aren't noise at an earlier time. Masks alone are the same at any time, and a noised image has
  /// its own time.
  @Test(arguments: ToyCorruption.allCases, [SamplingMethod.ancestral, .remasking(.confidence)])
  func noiseWithCodesStartsAtItsTime(corruption: ToyCorruption, method: SamplingMethod) throws {
    let corruption = try corruption.make(codes: 3)
    guard corruption.hasMasks || method == .ancestral else { return }
    func error(_ times: [Int], _ start: SamplingStart) throws -> DiffusionError? {
      let sampler = try method.sampler(SamplingPlan(corruption, layout: .row(2), steps: 2, timestepGrid: .custom(times)))
      do throws(DiffusionError) {
        _ = try sampler.initialState(from: start, image: 0, noise: PhiloxNoise(seed: 1))
        return nil
      } catch { return error }
    }
    let refusal = method == .ancestral && corruption.startMasks < 1 ? DiffusionError.gridStart(expected: 6, found: 3) : nil
    for start in [SamplingStart.noise, .known(try KnownTokens([1, nil]))] {
      #expect(try error([3, 1], start) == refusal)
      #expect(try error([6, 1], start) == nil)
    }
    #expect(try error([3, 1], .noised([1, 0])) == nil)
    if let refusal {
      #expect(
        refusal.description == "the timesteps must start at 6, where this model's corruption is pure noise; found 3")
    }
  }

  /// The released models' noise is masks alone.
  @Test func masksAloneMayStartAtAnyTime() throws {
    let law = ToyLaw(codes: 3, length: 1, probabilities: [0.55, 0.3, 0.15])
    for corruption in [try MaskAndReplaceCorruption(timesteps: 6, codes: 3), try AbsorbingCorruption(timesteps: 6, codes: 3)]
      as [any Corruption]
    {
      for method in [SamplingMethod.ancestral, .remasking(.cap(0.3))] {
        let sampler = try method.sampler(SamplingPlan(corruption, layout: .row(1), steps: 2, timestepGrid: .custom([3, 1])))
        #expect(isPlausible(try law.counts(sampler, images: 10_000), law: law.probabilities))
      }
    }
  }

  @Test func listsAreChecked() throws {
    func message(_ times: [Int], steps: Int? = nil, _ method: SamplingMethod = .ancestral) -> String? {
      do throws(DiffusionError) {
        let corruption = try AbsorbingCorruption(timesteps: 100, codes: 3)
        let plan = try SamplingPlan(corruption, length: 2, steps: steps ?? times.count, timestepGrid: .custom(times))
        _ = try method.sampler(plan)
        return nil
      } catch { return error.description }
    }
    for method in [SamplingMethod.ancestral, .remasking(.cap(0.1))] {
      #expect(message([100, 1], method) == nil)
      #expect(message([50, 50], method) == "timesteps must fall from one to the next within 100…1, found [50, 50]")
      #expect(message([50, 70, 1], method) == "timesteps must fall from one to the next within 100…1, found [50, 70, 1]")
      #expect(message([50, 0], method) == "timesteps must fall from one to the next within 100…1, found [50, 0]")
      #expect(message([50, -2], method) == "timesteps must fall from one to the next within 100…1, found [50, -2]")
      #expect(message([], steps: 1, method) == "timesteps must fall from one to the next within 100…1, found []")
      #expect(message([101, 5], method) == "the timestep to start from must lie in 1…100, found 101")
      #expect(message([0], method) == "the timestep to start from must lie in 1…100, found 0")
      #expect(message([50, 20], steps: 3, method) == "the list has 2 timesteps, but 3 steps are asked for")
    }
    #expect(throws: DiffusionError.timestepGrid(timesteps: 100, found: [101, 5])) {
      try TimestepGrid.custom([101, 5]).times(from: 100, steps: 2, timesteps: 100)
    }
  }
}

extension TimestepGridTests {
  private func message(
    _ method: SamplingMethod, _ corruption: ToyCorruption, steps: Int = 2, grid: TimestepGrid = .linear, start: Int? = nil,
    masks: Int? = nil
  ) -> String? {
    do throws(DiffusionError) {
      guard let corruption = try? corruption.make(codes: 3, timesteps: 10) else { return "no corruption" }
      _ = try method.sampler(
        SamplingPlan(corruption, layout: .row(4), steps: steps, start: start, masks: masks, timestepGrid: grid))
      return nil
    } catch { return error.description }
  }

  @Test func gridsAreForSamplersThatVisitTimes() {
    for method in SamplingMethod.all {
      let steps = method == .stridedReference ? 4 : 2
      let visitsTimes = ["ancestral", "remdm"].contains(method.name)
      let refusal = "\(method.name) sampling has its own steps; a timestep grid is for ancestral and remdm"
      #expect(message(method, .absorbing, steps: steps) == nil)
      #expect(message(method, .absorbing, steps: steps, grid: .cosine) == (visitsTimes ? nil : refusal))
      #expect(message(method, .absorbing, grid: .custom([10, 4])) == (visitsTimes ? nil : refusal))
    }
  }

  @Test func samplersThatRevealNeedMasks() {
    for method in SamplingMethod.all {
      let redraws = [.ancestral, .stridedReference].contains(method)
      let refusal =
        "\(method.name) sampling reveals masked tokens, but the model's uniform corruption masks none; "
        + "use ancestral sampling"
      #expect(message(method, .uniform, steps: redraws ? 4 : 2) == (redraws ? nil : refusal))
    }
  }

  @Test func settingsOfTheSamplersAreChecked() {
    let strides = "strided-reference sampling takes every n-th timestep, which makes 2, 3, 4, 6, 10 steps; found "
    #expect(message(.stridedReference, .absorbing, steps: 5) == strides + "5")
    #expect(message(.stridedReference, .absorbing, steps: 1) == strides + "1")
    for steps in [2, 3, 4, 6, 10] { #expect(message(.stridedReference, .absorbing, steps: steps) == nil) }
    #expect(
      message(.stridedReference, .absorbing, steps: 4, start: 8)
        == "strided-reference sampling starts from pure noise; use another sampler for a given image")
    for masks in [0, 5, -1] {
      #expect(message(.halton, .absorbing, masks: masks) == "the masks to start from must number 1…4, found \(masks)")
    }
    for start in [0, 11] {
      #expect(message(.ancestral, .absorbing, start: start) == "the timestep to start from must lie in 1…10, found \(start)")
    }
    for temperature in [-1, .nan, .infinity] as [Double] {
      #expect(
        message(.maskGIT(temperature: temperature), .absorbing)
          == "the choice temperature must not be negative, found \(temperature)")
    }
    #expect(message(.maskGIT(temperature: 0), .absorbing) == nil)
    for strength in [-0.1, 1.1, .nan] {
      for rule in [Remasking.cap(strength), .rescale(strength)] {
        #expect(message(.remasking(rule), .absorbing) == "the remasking strength must lie in 0…1, found \(strength)")
      }
    }
    #expect(message(.remasking(.cap(0)), .absorbing) == nil && message(.remasking(.rescale(1)), .absorbing) == nil)
    #expect(
      message(.remasking(.confidence), .absorbing, steps: 0)
        == "steps must lie in 1…100000 for remdm sampling with any image, found 0")
    #expect(message(.remasking(.confidence), .absorbing, steps: 300) == nil)
  }
}
