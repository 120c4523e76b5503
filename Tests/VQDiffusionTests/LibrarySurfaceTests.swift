import Testing
// Alone: what clients need has its name here.
import VQDiffusion

@Suite struct LibrarySurfaceTests {
  @Test func errorsOfSamplingCanBeNamed() throws {
    let pipeline = try VQDiffusionPipeline.builtIn()
    let settings = GenerationSettings(method: .purity(weight: 1), steps: 65)
    let error = try #require(throws: DiffusionError.self) { try pipeline.check(labels: [0], settings: settings) }
    #expect(error.description == "steps must lie in 1…64 for purity sampling with 64 tokens, found 65")
  }

  @Test func theCorruptionCanBeNamed() throws {
    let corruption: any Corruption = try VQDiffusionPipeline.builtIn().corruption
    #expect(corruption.reverseRule == ReverseRule.marginal && corruption.hasMasks)
  }

  @Test func theTextEncodersConfigurationAndErrorsCanBeNamed() throws {
    let configuration = CLIPTextConfiguration(width: 7)
    #expect(throws: CLIPTextError.invalidConfiguration(field: "hidden_size", expected: "a multiple of heads (8)", found: "7")) {
      try configuration.validate()
    }
  }
}
