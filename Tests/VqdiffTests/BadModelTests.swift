import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// Models that are damaged, or that can't do what is asked.
@Suite struct BadModelTests {
  /// Runs a generation with a small class-conditional model that `damage` has changed.
  private func failToGenerate(
    _ message: String, model: String = "denoiser-class-fc", options: [String] = ["--class", "1"],
    sourceLocation: SourceLocation = #_sourceLocation, damage: (URL) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      let target = folder.appendingPathComponent("model")
      try ModelFolders.writeModel(model, to: target)
      try damage(target)
      try fail(
        ["generate", "--model", "model", "--steps", "1"] + options, status: 1, message: message, in: folder,
        sourceLocation: sourceLocation)
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("output").path))
    }
  }

  @Test(arguments: [
    ("model_index.json", "no model_index.json"), ("vqvae", "no vqvae/config.json"),
    ("transformer", "no transformer/config.json"), ("scheduler", "no scheduler/config.json"),
    ("transformer/weights.safetensors", "no transformer/model.safetensors"),
  ]) func missingPart(part: String, message: String) throws {
    try failToGenerate(message) { try FileManager.default.removeItem(at: $0.appendingPathComponent(part)) }
  }

  @Test func wrongShape() throws {
    try failToGenerate("expected tensor \"blocks.0.mlp.0.weight\" of shape [64, 32], found shape [128, 32]") { model in
      try FileManager.default.removeItem(at: model.appendingPathComponent("transformer"))
      try ModelFolders.writeTransformer("denoiser-class-fc", to: model, changes: ["mlp_hidden_multiplier": 2])
    }
  }

  @Test(arguments: ["transformer", "vqvae"]) func unknownTensor(part: String) throws {
    try failToGenerate("expected only tensors that the model uses, found 1 more: surplus") { model in
      try SafetensorsFile.write(
        [StoredTensor("surplus", FloatTensor(zeros: [3]))], to: model.appendingPathComponent("\(part)/more.safetensors"))
    }
  }

  @Test func truncatedFile() throws {
    try failToGenerate("transformer/weights.safetensors: expected ") { model in
      let file = model.appendingPathComponent("transformer/weights.safetensors")
      let bytes = try Data(contentsOf: file)
      try bytes.prefix(bytes.count - 10).write(to: file)
    }
    try failToGenerate("transformer/weights.safetensors: expected at least 8 bytes, found a file of 3") { model in
      try Data([1, 2, 3]).write(to: model.appendingPathComponent("transformer/weights.safetensors"))
    }
  }

  @Test func brokenConfiguration() throws {
    try failToGenerate("transformer/config.json: expected valid JSON") { model in
      try Data("{".utf8).write(to: model.appendingPathComponent("transformer/config.json"))
    }
    try failToGenerate("transformer/config.json: layers: expected 1...4096, found 0") { model in
      try FileManager.default.removeItem(at: model.appendingPathComponent("transformer"))
      try ModelFolders.writeTransformer("denoiser-class-fc", to: model, changes: ["layers": 0])
    }
  }

  @Test func guidanceOfAnUnconditionalModel() throws {
    try failToGenerate(
      "guidance isn't possible: the model is unconditional", model: "denoiser-uncond", options: ["--guidance-scale", "2"]
    ) { _ in }
  }

  @Test func classOfAnUnconditionalModel() throws {
    try failToGenerate("this model is unconditional", model: "denoiser-uncond") { _ in }
  }
}
