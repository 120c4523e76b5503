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
  }

  private func defaults(of model: String = "denoiser-class-fc", index: [String: Any]) throws -> GenerationSettings {
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel(model, to: folder, index: index)
      return try VQDiffusionPipeline(contentsOf: folder).defaultSettings
    }
  }
}
