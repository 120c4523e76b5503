import Foundation
import TestSupport
import Testing
import VQDiffusion

@Suite struct SettingsTests {
  @Test(arguments: [
    ("none", Truncation.none), ("NONE", .none), ("0.86", .nucleus(0.86)), ("1", .nucleus(1)), ("top-100", .topCodes(100)),
    ("Top-1", .topCodes(1)),
  ]) func truncationIsRead(text: String, expected: Truncation) throws {
    let truncation = try Truncation(option: text)
    #expect(truncation == expected)
    #expect(try Truncation(option: truncation.option) == expected)
  }

  @Test(arguments: ["", "0", "-0.5", "1.01", "nan", "top", "top-", "top-0", "top--1", "86%"])
  func badTruncationIsRefused(text: String) {
    #expect(
      throws: PipelineError.invalidOption(name: "truncation", expected: "none, a probability in (0, 1] or top-K", found: text)
    ) { try Truncation(option: text) }
  }

  @Test(arguments: SamplingMethod.Name.allCases) func samplersAreRead(name: SamplingMethod.Name) throws {
    #expect(try SamplingMethod.Name(option: name.rawValue) == name)
    let parameters = SamplingMethod.Parameters(purityWeight: 0.5, choiceTemperature: 2, remasking: .confidence)
    let method = SamplingMethod(name, parameters)
    #expect(method.name == name)
    let hasWeight = name == .purity || name == .purityReference
    #expect(method.purityWeight == (hasWeight ? 0.5 : nil))
    #expect(method.choiceTemperature == (name == .maskGIT ? 2 : nil))
    #expect(method.remasking == (name == .remasking ? .confidence : nil))
  }

  @Test(arguments: ["constant", "ramp", "interval:0.2:0.8", "interval:1e-05:0.5"]) func guidanceSchedulesAreReadBack(
    option: String
  ) throws {
    let schedule = try GuidanceSchedule(option: option)
    #expect(schedule.option == option)
    #expect(try GuidanceSchedule(option: schedule.option) == schedule)
  }

  @Test(arguments: ["linear", "cosine", "90,50,1"]) func timestepGridsAreReadBack(option: String) throws {
    #expect(try TimestepGrid(option: option).option == option)
  }

  @Test(arguments: ["cap:0.02", "rescale:1.0", "confidence"]) func remaskingIsReadBack(option: String) throws {
    #expect(try Remasking(option: option).option == option)
  }

  @Test(arguments: ["interval", "interval:0.5", "interval:0.5:0.5", "interval:0.8:0.2", "interval:a:b", "later"])
  func badGuidanceSchedulesAreRefused(option: String) {
    #expect(throws: PipelineError.self) { try GuidanceSchedule(option: option) }
  }

  @Test(arguments: ["", "quadratic", "3,,1", "3,x"]) func badTimestepGridsAreRefused(option: String) {
    #expect(throws: PipelineError.self) { try TimestepGrid(option: option) }
  }

  @Test(arguments: ["cap", "cap:x", "rescale", "confidence:1", ""]) func badRemaskingIsRefused(option: String) {
    #expect(throws: PipelineError.self) { try Remasking(option: option) }
  }

  /// 25 is no number of steps that a stride through 100 timesteps makes.
  @Test func stepsThatASamplerCanTakeAreFound() {
    #expect(SamplingMethod.stridedReference.nearestSteps(to: 25, timesteps: 100, length: 64) == 26)
    #expect(SamplingMethod.stridedReference.nearestSteps(to: 100, timesteps: 100, length: 64) == 100)
    #expect(SamplingMethod.halton.nearestSteps(to: 100, timesteps: 100, length: 64) == 64)
    #expect(SamplingMethod.ancestral.nearestSteps(to: 0, timesteps: 100, length: 64) == 1)
  }

  @Test func anUnknownSamplerIsRefused() {
    #expect(throws: PipelineError.self) { try SamplingMethod.Name(option: "Purity!") }
  }

  @Test func aModelWithoutDefaultsSamplesAncestrally() throws {
    let expected = GenerationSettings(method: .ancestral, steps: 10, guidanceScale: 1, truncation: .none, seed: 0, batchSize: 25)
    #expect(try defaults(index: [:]) == expected)
  }

  @Test func aModelStatesItsDefaults() throws {
    let stated: [String: Any] = [
      "sampler": "purity", "steps": 7, "guidance_scale": 1.5, "truncation": "0.9", "purity_weight": 2,
    ]
    let expected = GenerationSettings(method: .purity(weight: 2), steps: 7, guidanceScale: 1.5, truncation: .nucleus(0.9))
    #expect(try defaults(index: ["defaults": stated]) == expected)
  }

  @Test func defaultStepsStayWithinTheSampler() throws {
    #expect(try defaults(index: ["defaults": ["sampler": "purity", "steps": 100]]).steps == 16)
  }

  @Test func anUnconditionalModelIsNotGuidedByDefault() throws {
    #expect(try defaults(of: "denoiser-uncond", index: ["defaults": ["guidance_scale": 3]]).guidanceScale == 1)
  }

  @Test func badDefaultsAreRefused() {
    #expect(throws: PipelineError.self) { try defaults(index: ["defaults": ["sampler": "best"]]) }
    #expect(throws: PipelineError.self) { try defaults(index: ["defaults": ["truncation": "2"]]) }
    #expect(throws: PipelineError.self) { try defaults(index: ["defaults": ["temperature": -1]]) }
    #expect(throws: PipelineError.self) { try defaults(index: ["defaults": ["remasking": "often", "sampler": "remdm"]]) }
  }

  private func defaults(of model: String = "denoiser-class-fc", index: [String: Any]) throws -> GenerationSettings {
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel(model, to: folder, index: index)
      return try VQDiffusionPipeline(contentsOf: folder).defaultSettings
    }
  }
}
