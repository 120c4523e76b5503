import Diffusion
import Foundation
import Tensor
import Testing

@Suite struct SamplingSettingsTests {
  private func settings(_ change: (inout SamplingSettings) -> Void = { _ in }) -> SamplingSettings {
    var settings = SamplingSettings(method: .purity(weight: 1), steps: 4)
    change(&settings)
    return settings
  }

  private func message(_ settings: SamplingSettings) -> String? {
    do throws(DiffusionError) {
      try settings.validate()
      return nil
    } catch { return error.description }
  }

  @Test func theUsualSettingsChangeNothing() {
    let usual = settings()
    #expect(usual.guidanceScale == 1 && usual.guidanceSchedule == .constant && usual.temperature == 1)
    #expect(usual.truncation == .none && usual.timestepGrid == .linear)
    #expect(message(usual) == nil)
  }

  @Test func temperaturesArePositive() throws {
    for temperature in [0, -0.5, .nan, .infinity] as [Double] {
      let message = "the temperature must be positive, found \(temperature)"
      #expect(self.message(settings { $0.temperature = temperature }) == message)
    }
    #expect(message(settings { $0.temperature = 0.01 }) == nil)
  }

  @Test func guidanceAndTruncationAreChecked() {
    #expect(message(settings { $0.guidanceScale = -1 }) == "the guidance scale must lie in 0…10000, found -1.0")
    #expect(message(settings { $0.guidanceScale = .nan }) == "the guidance scale must lie in 0…10000, found nan")
    let interval = "the guidance interval must lie within 0…1 and not be empty, found 0.5…1.5"
    #expect(message(settings { $0.guidanceSchedule = .interval(0.5...1.5) }) == interval)
    #expect(message(settings { $0.truncation = .nucleus(0) }) == "nucleus truncation needs a probability in (0, 1], found 0.0")
    #expect(message(settings { $0.truncation = .topCodes(0) }) == "truncation must keep at least 1 code, found 0")
  }

  @Test func aLoopChecksItsSettings() throws {
    let sampler = try settings().sampler(AbsorbingCorruption(timesteps: 4, codes: 3), layout: .sequence(length: 5))
    let changes: [(inout SamplingSettings) -> Void] = [
      { $0.temperature = 0 }, { $0.truncation = .topCodes(0) }, { $0.guidanceScale = -1 },
    ]
    for bad in changes.map({ settings($0) }) {
      #expect(throws: DiffusionError.self) {
        try SamplingLoop(
          denoiser: ToyDenoiser(codes: 3), sampler: sampler, guidance: nil, settings: bad, noise: PhiloxNoise(seed: 1))
      }
    }
  }

  @Test func theSamplerFollowsMethodAndPlan() throws {
    let corruption = try AbsorbingCorruption(timesteps: 8, codes: 3)
    let layout = TokenLayout.grid(rows: 3, columns: 4)
    let purity = try settings().sampler(corruption, layout: layout, start: 6, masks: 5)
    #expect(purity is PuritySampler && purity.plan.layout == layout && purity.plan.steps == 4)
    #expect(purity.plan.start == 6 && purity.plan.masks == 5)
    let grid = try SamplingSettings(method: .ancestral, steps: 2, timestepGrid: .custom([7, 3])).sampler(
      corruption, layout: layout)
    #expect(grid is AncestralSampler && grid.plan.start == 7 && grid.plan.masks == 12)
    let needsGrid = DiffusionError.needsGrid(sampler: "halton", found: .sequence(length: 12))
    #expect(throws: needsGrid) {
      try SamplingSettings(method: .halton, steps: 2).sampler(corruption, layout: .sequence(length: 12))
    }
    #expect(throws: DiffusionError.gridUnused(sampler: "purity")) {
      try settings { $0.timestepGrid = .cosine }.sampler(corruption, layout: layout)
    }
  }

  /// One draw of p(x_0): temperature and truncation reach the prediction.
  @Test func temperatureAndTruncationShapeTheLaw() throws {
    let p = [0.5, 0.3, 0.2]
    let law = ToyLaw(codes: 3, length: 1, probabilities: p)
    func counts(temperature: Double = 1, truncation: Truncation = .none) throws -> [Int] {
      let settings = SamplingSettings(method: .fewerTokens, steps: 1, temperature: temperature, truncation: truncation)
      let sampler = try settings.sampler(AbsorbingCorruption(timesteps: 4, codes: 3), layout: .sequence(length: 1))
      let loop = try SamplingLoop(
        denoiser: ExactDenoiser(law, sampler.corruption), sampler: sampler, guidance: nil, settings: settings,
        noise: PhiloxNoise(seed: 5))
      let images = Array(0..<20_000)
      let tokens = try loop.run(conditions: images.map { _ in 0 }, images: images)
      return tokens.reduce(into: [0, 0, 0]) { $0[Int($1[0])] += 1 }
    }
    let sharp = p.map { $0 * $0 }
    #expect(isPlausible(try counts(temperature: 0.5), law: sharp.map { $0 / sharp.reduce(0, +) }))
    #expect(isPlausible(try counts(truncation: .topCodes(2)), law: [0.625, 0.375, 0]))
    #expect(isPlausible(try counts(), law: p))
  }
}
