import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct GoldenCaseTests {
  static let names = try! FileManager.default.contentsOfDirectory(atPath: fixtures.path).filter {
    FileManager.default.fileExists(atPath: fixtures.appendingPathComponent($0 + "/case.safetensors").path)
  }.sorted()

  @Test func everyCaseHoldsWhatItsConfigSays() throws {
    #expect(!Self.names.isEmpty)
    for name in Self.names {
      let golden = try GoldenCase(name)
      #expect(try golden.config.string("case") == name)
      // Cases of files to load and to refuse list those instead.
      guard let tensors = golden.config["tensors"].objectValue else {
        #expect(!golden.config["load"].isNull, "\(name)")
        continue
      }
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

  @Test func paramsTensorsAndTolerancesAreRead() throws {
    try withTemporaryFolder { parent in
      let folder = parent.appendingPathComponent("small")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let config = """
        {"params": {"model": {"layers": 2, "grid": [4, 3], "mlp": "fc", "scale": 1, "class": null}},
         "weights": ["weights.safetensors"], "suggested_absolute_tolerance": {"score": 6.5e-6}}
        """
      try Data(config.utf8).write(to: folder.appendingPathComponent("config.json"))
      try SafetensorsFile.write(
        [StoredTensor("in.class", [3, 5], shape: [2]), StoredTensor("out.score", FloatTensor([0.5, 2, -1], shape: [1, 3]))],
        to: folder.appendingPathComponent("case.safetensors"))
      try SafetensorsFile.write(
        [StoredTensor("w", FloatTensor([7], shape: [1]))], to: folder.appendingPathComponent("weights.safetensors"))
      let golden = try GoldenCase("small", in: parent)
      let model = golden.params["model"]
      #expect(try model.int("layers") == 2 && model.ints("grid") == [4, 3] && model.string("mlp") == "fc")
      #expect(try model.double("scale") == 1 && model["class"].isNull && model["nothing"].isNull)
      #expect(try golden.tolerance("score") == 6.5e-6)
      #expect(try golden.shape("in.class") == [2] && golden.integers("in.class") == [3, 5])
      #expect(try golden.tokens("in.class") == [3, 5])
      #expect(try golden.floats("out.score").values == [0.5, 2, -1] && golden.doubles("out.score") == [0.5, 2, -1])
      #expect(try golden.weights().tensor("w", [1]).values == [7])
      #expect(throws: JSONValue.Mismatch.self) { try golden.tolerance("class") }
      #expect(throws: JSONValue.Mismatch.self) { try model.string("layers") }
      #expect(throws: CheckpointError.self) { try golden.floats("out.nothing") }
      #expect(throws: CheckpointError.self) { try golden.shape("out.nothing") }
    }
  }
}
