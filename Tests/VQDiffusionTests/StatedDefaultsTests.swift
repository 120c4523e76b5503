import Foundation
import TestSupport
import Testing
import VQDiffusion

/// The settings that a model's index states.
@Suite struct StatedDefaultsTests {
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
    #expect(throws: ModelFileError.self) { try defaults(index: ["defaults": ["sampler": "best"]]) }
    #expect(throws: ModelFileError.self) { try defaults(index: ["defaults": ["truncation": "2"]]) }
    #expect(throws: ModelFileError.self) { try defaults(index: ["defaults": ["temperature": -1]]) }
    #expect(throws: ModelFileError.self) { try defaults(index: ["defaults": ["remasking": "often", "sampler": "remdm"]]) }
  }

  private func defaults(of model: String = "denoiser-class-fc", index: [String: Any]) throws -> GenerationSettings {
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel(model, to: folder, index: index)
      return try VQDiffusionPipeline(contentsOf: folder).defaultSettings
    }
  }
}
