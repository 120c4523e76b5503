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
      #expect(throws: ModelFileError.missingPart(folder: nowhere.path, part: "such folder")) {
        try VQDiffusionPipeline(contentsOf: nowhere)
      }
    }
  }

  @Test(arguments: [
    ("model_index.json", "model_index.json"), ("transformer/config.json", "transformer/config.json"),
    ("vqvae/config.json", "vqvae/config.json"), ("scheduler/config.json", "scheduler/config.json"),
    ("transformer/weights.safetensors", "transformer/model.safetensors"),
  ]) func missingPartsAreNamed(file: String, part: String) throws {
    try expect(ModelFileError.missingPart(folder: "", part: part)) {
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
    try expect(
      .invalidConfiguration(file: "model_index.json", field: "format", expected: "a whole number", found: "another type")
    ) {
      try ModelFolders.write(["format": "1", "name": "small"], to: $0.appendingPathComponent("model_index.json"))
    }
  }

  @Test func anotherScheduleIsRefused() throws {
    let file = "scheduler/config.json"
    var schedule: [String: Any] = [
      "kind": "gaussian", "timesteps": 10, "alpha_1": 0.9, "alpha_T": 0.1, "gamma_1": 0.1, "gamma_T": 0.9,
    ]
    try expect(
      .invalidConfiguration(
        file: file, field: "kind", expected: "mask_and_replace, first_paper, absorbing, uniform", found: "gaussian")
    ) {
      try ModelFolders.write(schedule, to: $0.appendingPathComponent(file))
    }
    schedule["kind"] = "mask_and_replace"
    schedule["timesteps"] = 11
    try expect(.mismatchedParts(folder: "", expected: "10 timesteps, as the transformer has", found: "11 in the scheduler")) {
      try ModelFolders.write(schedule, to: $0.appendingPathComponent(file))
    }
  }

  @Test func everyKindOfCorruptionIsRead() throws {
    for (schedule, name) in [
      (["kind": "absorbing", "timesteps": 10] as [String: Any], "absorbing"),
      (["kind": "uniform", "timesteps": 10, "reverse": "plug-in"], "uniform"),
      (["kind": "first_paper", "timesteps": 10], "mask-and-replace"),
    ] {
      try withTemporaryFolder { folder in
        try ModelFolders.writeModel("denoiser-class-fc", to: folder)
        try ModelFolders.write(schedule, to: folder.appendingPathComponent("scheduler/config.json"))
        let corruption = try VQDiffusionPipeline(contentsOf: folder).corruption
        #expect(corruption.name == name && corruption.timesteps == 10 && corruption.codes == 20)
        #expect(corruption.reverseRule == (name == "uniform" ? .plugIn : .marginal))
      }
    }
  }

  @Test func fieldsOfAnotherKindAreRefused() throws {
    let file = "scheduler/config.json"
    try expect(
      .invalidConfiguration(file: file, field: "gamma_T", expected: "nothing with kind absorbing", found: "a value")
    ) {
      try ModelFolders.write(
        ["kind": "absorbing", "timesteps": 10, "gamma_T": 0.9], to: $0.appendingPathComponent(file))
    }
    try expect(
      .invalidConfiguration(file: file, field: "reverse", expected: "nothing with kind absorbing", found: "a value")
    ) {
      try ModelFolders.write(
        ["kind": "absorbing", "timesteps": 10, "reverse": "marginal"], to: $0.appendingPathComponent(file))
    }
    try expect(.invalidConfiguration(file: file, field: "reverse", expected: "marginal, plug-in", found: "best")) {
      try ModelFolders.write(["kind": "uniform", "timesteps": 10, "reverse": "best"], to: $0.appendingPathComponent(file))
    }
  }

  /// Numbers that would take all memory, or stop the program, if they were believed before they are checked.
  @Test(arguments: [
    ("timesteps", 1 << 62, "mismatch"), ("timesteps", -1, "mismatch"), ("gamma_T", 2, "gamma_T must lie in"),
  ]) func hostileSchedules(field: String, value: Int, message: String) throws {
    let file = "scheduler/config.json"
    var schedule: [String: Any] = [
      "kind": "mask_and_replace", "timesteps": 10, "alpha_1": 0.9, "alpha_T": 0.1, "gamma_1": 0.1, "gamma_T": 0.9,
    ]
    schedule[field] = value
    let expected: ModelFileError =
      message == "mismatch"
      ? .mismatchedParts(folder: "", expected: "10 timesteps, as the transformer has", found: "\(value) in the scheduler")
      : .unusable(file: file, reason: "gamma_T must lie in [gamma_1, 1 - alpha_T], found 2.0")
    try expect(expected) { try ModelFolders.write(schedule, to: $0.appendingPathComponent(file)) }
  }

  @Test(arguments: [
    ("layers", "1...4096", [1 << 62]), ("width", "a multiple of heads (4)", [1 << 62]), ("heads", "1 or more", [-1]),
    ("grid", "[rows, columns], 1...4096 each", [1 << 62, 4]), ("grid", "[rows, columns], 1...4096 each", [4]),
    ("grid", "at most 65536 positions", [4096, 4096]), ("codebook_size", "1...1048576", [0]),
  ]) func hostileTransformers(field: String, expected: String, value: [Int]) throws {
    let found = field == "grid" ? "\(value)" : "\(value[0])"
    let file = "transformer/config.json"
    try expect(.invalidConfiguration(file: file, field: field, expected: expected, found: found)) { folder in
      try FileManager.default.removeItem(at: folder.appendingPathComponent("transformer"))
      try ModelFolders.writeTransformer(
        "denoiser-class-fc", to: folder, changes: [field: field == "grid" ? value as Any : value[0]])
    }
  }

  /// What the header of the weights doesn't have is noticed before anything of the announced size is allocated.
  @Test func aHugeTransformerFailsByItsFirstTensor() throws {
    try withTemporaryFolder { folder in
      try ModelFolders.writeTransformer("denoiser-class-fc", to: folder, changes: ["layers": 4096, "width": 1 << 20])
      #expect {
        try VQDiffusionPipeline.network(ModelLocation(folder))
      } throws: { error in
        guard case CheckpointError.wrongShape(_, "content_emb.emb.weight", [21, 1 << 20], [21, 32]) = error else { return false }
        return true
      }
    }
  }

  @Test func aModelOfNothingButNoClassIsRefused() throws {
    let expected = ModelFileError.invalidConfiguration(
      file: "transformer/config.json", field: "class_rows", expected: "2 or more, one of them \"no class\"", found: "1")
    try expect(expected) { folder in
      try FileManager.default.removeItem(at: folder.appendingPathComponent("transformer"))
      try ModelFolders.writeTransformer(
        "denoiser-class-fc", to: folder, changes: ["class_rows": 1, "unconditional_class": 0])
    }
  }

  @Test func hostileAutoencoders() throws {
    for (field, value, expected) in [
      ("ch", [1 << 62], "1...65536"), ("ch_mult", [], "1 to 10 levels"),
      ("ch_mult", [1 << 62], "multipliers that make channels divisible by 32"), ("n_embed", [1 << 62], "1...16777216"),
    ] {
      let isList = field == "ch_mult"
      let error = ModelFileError.invalidConfiguration(
        file: "vqvae/config.json", field: field, expected: expected, found: isList ? "\(value)" : "\(value[0])")
      try expect(error) {
        try change(field, to: isList ? value as Any : value[0], in: $0.appendingPathComponent("vqvae/config.json"))
      }
    }
  }

  @Test func badCodebookMaps() throws {
    for (table, message) in [
      (Array(repeating: 20, count: 20), "expected full_to_reduced in 0…19, found 20 at position 0"),
      ([0, 1], "expected tensor \"full_to_reduced\" of shape [20], found shape [2]"),
    ] {
      try withTemporaryFolder { folder in
        try ModelFolders.writeModel("denoiser-class-fc", to: folder)
        let file = folder.appendingPathComponent("vqvae/codebook_map.safetensors")
        try SafetensorsFile.write([StoredTensor("full_to_reduced", table, shape: [table.count])], to: file)
        #expect {
          try VQDiffusionPipeline(contentsOf: folder)
        } throws: {
          "\($0)" == "\(file.path): \(message)"
        }
      }
    }
  }

  @Test func defaultsThatCannotBeUsedNameTheirFile() throws {
    for (field, value, reason) in [
      ("steps", 0 as Any, "steps must lie in 1…10 for ancestral sampling with 10 timesteps, found 0"),
      ("guidance_scale", -1, "the guidance scale must lie in 0…10000, found -1.0"),
      ("truncation", "2", "truncation must be none, a probability in (0, 1] or top-K, found 2"),
    ] {
      try expect(.unusable(file: "model_index.json", reason: "defaults: \(reason)")) {
        try change("defaults", to: [field: value], in: $0.appendingPathComponent("model_index.json"))
      }
    }
  }

  @Test func labelsMustBeAnArrayOfStringsAndObjects() throws {
    for (labels, field, expected) in [
      (["a": 1] as Any, "", "an array"), ([1, 2], "Index 0", "a string or an object"),
      (["a", ["b"]] as [Any], "Index 1", "a string or an object"), ([["name": 3]], "Index 0.name", "a string"),
      ([["name": "a", "synonyms": "b"]], "Index 0.synonyms", "an array"),
    ] {
      try expect(.invalidConfiguration(file: "labels.json", field: field, expected: expected, found: "another type")) {
        try ModelFolders.write(labels, to: $0.appendingPathComponent("labels.json"))
      }
    }
  }

  @Test func aLabelNeedsAName() throws {
    try expect(.invalidConfiguration(file: "labels.json", field: "Index 1.name", expected: "a value", found: "nothing")) {
      try ModelFolders.write(["a", ["id": "n1"]] as [Any], to: $0.appendingPathComponent("labels.json"))
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
      #expect(codec.layout == .grid(rows: 4, columns: 4) && codec.pixelsPerToken == 2)
    }
  }

  @Test func theReportCountsWhatIsThere() throws {
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel("denoiser-class-fc", to: folder)
      let report = try ModelReport(ModelLocation(folder))
      #expect(report.name == "small" && report.timesteps == 10 && report.labels == [])
      #expect(report.network?.contents.parameters == Self.denoiserParameters)
      #expect(report.network?.contents.elementTypes == ["F32"] && report.tokenizer?.contents.elementTypes == ["F16"])
      #expect(report.tokenizerFacts?.codes == 20)
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

  private func change(_ field: String, to value: Any, in file: URL) throws {
    var members = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any] ?? [:]
    members[field] = value
    try ModelFolders.write(members, to: file)
  }

  /// Expects the error of a small model that `damage` has changed; the temporary folder's path in it doesn't count.
  private func expect(
    _ expected: ModelFileError, sourceLocation: SourceLocation = #_sourceLocation, damage: (URL) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel("denoiser-class-fc", to: folder)
      try damage(folder)
      let error = #expect(throws: ModelFileError.self, sourceLocation: sourceLocation) {
        try VQDiffusionPipeline(contentsOf: folder)
      }
      let found = (error?.description ?? "").replacingOccurrences(of: folder.path + "/", with: "")
        .replacingOccurrences(of: folder.path, with: "")
      #expect(found == expected.description, sourceLocation: sourceLocation)
    }
  }
}
