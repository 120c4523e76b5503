import Checkpoint
import Foundation
import TestSupport
import Testing
import VQDiffusion

@Suite struct ModelFolderTests {
  @Test func theBuiltInModelLoads() throws {
    let pipeline = try VQDiffusionPipeline.builtIn()
    #expect(pipeline.name == "cifar10" && pipeline.classCount == 10 && pipeline.labels.names.count == 10)
    #expect(pipeline.imageSize == (height: 32, width: 32))
    #expect(try pipeline.label("horse") == 7)
    #expect(try pipeline.labels(["horse", "all", "cat,0"]) == [7] + Array(0..<10) + [3, 0])
  }

  @Test func aFolderThatIsNotThere() throws {
    try withTemporaryFolder { folder in
      let nowhere = folder.appendingPathComponent("nowhere")
      #expect(throws: PipelineError.missingPart(folder: nowhere.path, part: "such folder")) {
        try VQDiffusionPipeline(contentsOf: nowhere)
      }
    }
  }

  @Test(arguments: [
    ("model_index.json", "model_index.json"), ("transformer/config.json", "transformer/config.json"),
    ("vqvae/config.json", "vqvae/config.json"), ("scheduler/config.json", "scheduler/config.json"),
    ("transformer/weights.safetensors", "transformer/model.safetensors"),
  ]) func missingPartsAreNamed(file: String, part: String) throws {
    try expect(PipelineError.missingPart(folder: "", part: part)) {
      try FileManager.default.removeItem(at: $0.appendingPathComponent(file))
    }
  }

  @Test func anotherFormatIsRefused() throws {
    try expect(.invalidConfiguration(file: "model_index.json", field: "format", expected: "1", found: "2")) {
      try ModelFolders.write(["format": 2, "name": "small"], to: $0.appendingPathComponent("model_index.json"))
    }
  }

  @Test func aFieldThatIsMissingOrOfAnotherTypeIsNamed() throws {
    try expect(.invalidConfiguration(file: "model_index.json", field: "name", expected: "a value", found: "nothing")) {
      try ModelFolders.write(["format": 1], to: $0.appendingPathComponent("model_index.json"))
    }
    try expect(.invalidConfiguration(file: "model_index.json", field: "format", expected: "Int", found: "another type")) {
      try ModelFolders.write(["format": "1", "name": "small"], to: $0.appendingPathComponent("model_index.json"))
    }
  }

  @Test func anotherScheduleIsRefused() throws {
    let file = "scheduler/config.json"
    var schedule: [String: Any] = [
      "kind": "uniform", "timesteps": 10, "alpha_1": 0.9, "alpha_T": 0.1, "gamma_1": 0.1, "gamma_T": 0.9,
    ]
    try expect(.invalidConfiguration(file: file, field: "kind", expected: "mask_and_replace", found: "uniform")) {
      try ModelFolders.write(schedule, to: $0.appendingPathComponent(file))
    }
    schedule["kind"] = "mask_and_replace"
    schedule["timesteps"] = 11
    try expect(.mismatchedParts(folder: "", expected: "10 timesteps, as the transformer has", found: "11 in the scheduler")) {
      try ModelFolders.write(schedule, to: $0.appendingPathComponent(file))
    }
  }

  @Test func tooManyLabelsAreRefused() throws {
    try expect(.mismatchedParts(folder: "", expected: "at most 11 labels", found: "12")) {
      try ModelFolders.write((0..<12).map { "class \($0)" }, to: $0.appendingPathComponent("labels.json"))
    }
  }

  @Test func surplusAndMissingTensorsAreRefused() throws {
    for part in ["transformer", "vqvae"] {
      try withTemporaryFolder { folder in
        try ModelFolders.writeModel("denoiser-class-fc", to: folder)
        try SafetensorsFile.write(
          [StoredTensor("surplus", [1], shape: [1])], to: folder.appendingPathComponent("\(part)/b.safetensors"))
        let error = #expect(throws: CheckpointError.self) { try VQDiffusionPipeline(contentsOf: folder) }
        guard case .unexpectedTensors(_, ["surplus"]) = error else {
          Issue.record("\(String(describing: error))")
          return
        }
      }
    }
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel("denoiser-class-fc", to: folder)
      try FileManager.default.removeItem(at: folder.appendingPathComponent("vqvae/weights-3-of-8.safetensors"))
      let error = #expect(throws: CheckpointError.self) { try VQDiffusionPipeline(contentsOf: folder) }
      guard case .missingTensor = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test func theCodecLoadsWithoutTheDenoisersWeights() throws {
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel("denoiser-class-fc", to: folder)
      try FileManager.default.removeItem(at: folder.appendingPathComponent("transformer/weights.safetensors"))
      let codec = try ImageCodec(contentsOf: folder)
      #expect(codec.rows == 4 && codec.columns == 4 && codec.pixelsPerToken == 2)
    }
  }

  @Test func theReportCountsWhatIsThere() throws {
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel("denoiser-class-fc", to: folder)
      let report = try ModelReport(contentsOf: folder)
      #expect(report.name == "small" && report.timesteps == 10 && report.labels == [])
      #expect(report.transformer?.weights.parameters == Self.denoiserParameters)
      #expect(report.transformer?.weights.elementTypes == ["F32"] && report.vqvae?.weights.elementTypes == ["F16"])
      #expect(report.vqvae?.configuration.codes == 20)
    }
  }

  /// denoiser-class-fc: D = 32, K = 20, T = 10, 4 × 4 tokens, 11 class rows, 2 blocks.
  private static let denoiserParameters: Int = {
    let linear = { (inputs: Int, outputs: Int) in inputs * outputs + outputs }
    let embeddings = 21 * 32 + 4 * 32 + 4 * 32
    let attention = 4 * linear(32, 32)
    let norms = 10 * 32 + linear(32, 64) + 11 * 32 + linear(32, 64)
    let feedForward = linear(32, 128) + linear(128, 32)
    return embeddings + 2 * (attention + norms + feedForward) + 2 * 32 + linear(32, 20)
  }()

  /// Expects the error of a small model that `damage` has changed; the temporary folder's path in it doesn't count.
  private func expect(
    _ expected: PipelineError, sourceLocation: SourceLocation = #_sourceLocation, damage: (URL) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel("denoiser-class-fc", to: folder)
      try damage(folder)
      let error = #expect(throws: PipelineError.self, sourceLocation: sourceLocation) {
        try VQDiffusionPipeline(contentsOf: folder)
      }
      let found = (error?.description ?? "").replacingOccurrences(of: folder.path + "/", with: "")
        .replacingOccurrences(of: folder.path, with: "")
      #expect(found == expected.description, sourceLocation: sourceLocation)
    }
  }
}
