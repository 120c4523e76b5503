import Checkpoint
import Foundation
import TestSupport
import Testing

@Suite struct GoldenCaseTests {
  static let names = try! FileManager.default.contentsOfDirectory(atPath: fixtures.path).filter {
    FileManager.default.fileExists(atPath: fixtures.appendingPathComponent($0 + "/case.safetensors").path)
  }.sorted()

  @Test func everyCaseHoldsWhatItsConfigSays() throws {
    #expect(Self.names.count == 31)
    for name in Self.names {
      let golden = try GoldenCase(name)
      #expect(try golden.config.string("case") == name)
      // Its config lists files instead.
      if name == "checkpoints" { continue }
      let tensors = try golden.config.object("tensors")
      let entries = try golden.config.strings("case_files").flatMap {
        try SafetensorsFile(golden.folder.appendingPathComponent($0)).entries
      }
      #expect(Set(tensors.keys) == Set(entries.map(\.name)), "\(name)")
      for entry in entries {
        let expected = golden.config["tensors"][entry.name]
        #expect(try expected.ints("shape") == entry.shape, "\(name) \(entry.name)")
        #expect(try expected.string("dtype") == entry.elementType.rawValue, "\(name) \(entry.name)")
      }
    }
  }

  @Test func everyWeightFileLoads() throws {
    for name in Self.names {
      let golden = try GoldenCase(name)
      if golden.config["weights"].isNull { continue }
      let weights = try golden.weights()
      #expect(!weights.names.isEmpty)
      for tensor in weights.names {
        let values = try weights.tensor(tensor, try #require(weights.shape(of: tensor))).values
        #expect(values.allSatisfy { $0.isFinite }, "\(name) \(tensor)")
      }
      try weights.finish()
    }
  }

  @Test func paramsAndTolerancesAreRead() throws {
    let golden = try GoldenCase("sampling-rule2")
    #expect(try golden.params["model"].int("layers") == 2)
    #expect(try golden.params["model"].ints("grid") == [4, 4])
    #expect(try golden.params["model"].string("mlp") == "fc")
    #expect(try golden.params["sampling"].double("guidance_scale") == 1)
    #expect(golden.params["sampling"]["unconditional_class"].isNull)
    #expect(try golden.tolerance("race_score") == 6.5e-6)
    #expect(try golden.shape("in.class") == [2])
    #expect(try golden.integers("in.class").count == 2)
    #expect(throws: JSONValue.Mismatch.self) { try golden.tolerance("final_tokens") }
    #expect(throws: JSONValue.Mismatch.self) { try golden.params.string("batch") }
    #expect(throws: CheckpointError.self) { try golden.floats("out.nothing") }
  }
}
