import CLIPText
import Checkpoint
import Foundation
import TestSupport
import Testing
import VQDiffusion
import VQVAE

/// Diffusers folders as they come and as they mustn't.
@Suite struct DiffusersFolderTests {
  private static let prompts: [GenerationSubject] = [.prompt("a teddy bear in the pool")]

  private func images(_ folder: URL) async throws -> [RGBImage] {
    let settings = GenerationSettings(method: .ancestral, steps: 10, guidanceScale: 3, seed: 2)
    return try await VQDiffusionPipeline(contentsOf: folder).generate(Self.prompts, count: 2, settings: settings).map(\.image)
  }

  /// A copy of the recorded folder.
  private func copy(to folder: URL) throws -> URL {
    let target = folder.appendingPathComponent("pipeline")
    try FileManager.default.copyItem(at: RecordedPipeline.folder, to: target)
    return target
  }

  @Test func pyTorchFilesAreTakenWhereThereAreNoOthers() async throws {
    try await withTemporaryFolder { folder in
      let target = try copy(to: folder)
      for part in ["transformer", "learned_classifier_free_sampling_embeddings"] {
        let name = "diffusion_pytorch_model"
        try FileManager.default.removeItem(at: target.appendingPathComponent("\(part)/\(name).safetensors"))
        try FileManager.default.copyItem(
          at: fixtures.appendingPathComponent("hf/pipeline_bin/\(part)/\(name).bin"),
          to: target.appendingPathComponent("\(part)/\(name).bin"))
      }
      #expect(try await images(target) == images(RecordedPipeline.folder))
      // A variant's file is taken only where there is no other.
      let autoencoder = target.appendingPathComponent("vqvae/diffusion_pytorch_model.safetensors")
      let variant = target.appendingPathComponent("vqvae/diffusion_pytorch_model.fp16.safetensors")
      try FileManager.default.copyItem(at: autoencoder, to: variant)
      #expect(try await images(target) == images(RecordedPipeline.folder))
      try FileManager.default.removeItem(at: autoencoder)
      #expect(try await images(target) == images(RecordedPipeline.folder))
      try FileManager.default.removeItem(at: variant)
      #expect(throws: ModelFileError.missingPart(folder: target.path, part: "vqvae/*.safetensors or *.bin")) {
        try VQDiffusionPipeline(contentsOf: target)
      }
    }
  }

  /// Older files call the autoencoder's attention layers otherwise.
  @Test func olderAttentionNames() async throws {
    try await withTemporaryFolder { folder in
      let target = try copy(to: folder)
      let file = target.appendingPathComponent("vqvae/diffusion_pytorch_model.safetensors")
      let source = try SafetensorsFile(
        RecordedPipeline.folder.appendingPathComponent("vqvae/diffusion_pytorch_model.safetensors"))
      let pairs = [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")]
      let stored = try source.names.map { name in
        try StoredTensor(pairs.reduce(name) { $0.replacingOccurrences(of: $1.0, with: $1.1) }, name, of: source)
      }
      #expect(stored.contains { $0.name.contains("proj_attn") })
      try FileManager.default.removeItem(at: file)
      try SafetensorsFile.write(stored, to: file)
      #expect(try await images(target) == images(RecordedPipeline.folder))
    }
  }

  @Test(arguments: [nil, .float32, .float16, .bfloat16] as [ModelConversion.FloatType?])
  func convertedFoldersDrawTheSame(floats: ModelConversion.FloatType?) async throws {
    try await withTemporaryFolder { folder in
      let converted = folder.appendingPathComponent("converted")
      try ModelConversion(ModelLocation(RecordedPipeline.folder), floats: floats).write(to: converted)
      let pipeline = try VQDiffusionPipeline(contentsOf: converted)
      let original = try VQDiffusionPipeline(contentsOf: RecordedPipeline.folder)
      #expect(pipeline.name == "pipeline" && pipeline.defaultSettings == original.defaultSettings)
      #expect(try pipeline.transformer.configuration == original.transformer.configuration)
      let (found, expected) = (try #require(pipeline.texts), try #require(original.texts))
      let tolerance = floats == .float16 ? 1e-2 : floats == .bfloat16 ? 1e-1 : 0
      for text in ["two red birds, one tree!", "", "!"] {
        expectClose(try found.vectors(of: text).values, try expected.vectors(of: text).values, absolute: tolerance)
      }
      expectClose(
        try found.unconditional(negative: nil).values, try expected.unconditional(negative: nil).values, absolute: tolerance)
      if tolerance == 0 { #expect(try await images(converted) == images(RecordedPipeline.folder)) }
    }
  }

  /// Without learned vectors guidance leads away from the empty text.
  @Test func vectorsThatWereNotLearned() throws {
    try withTemporaryFolder { folder in
      let target = try copy(to: folder)
      let part = target.appendingPathComponent("learned_classifier_free_sampling_embeddings")
      try ModelFolders.write(["learnable": false], to: part.appendingPathComponent("config.json"))
      for _ in 0..<2 {
        let texts = try #require(try VQDiffusionPipeline(contentsOf: target).texts)
        #expect(try texts.unconditional(negative: nil) == texts.vectors(of: ""))
        try? FileManager.default.removeItem(at: part)
      }
    }
  }

  static let refusals: [(file: String, changes: [String: JSONValue], message: String)] = [
    ("transformer", ["activation_fn": .string("geglu")], "activation_fn: expected geglu-approximate, found geglu"),
    ("transformer", ["attention_bias": .null], "attention_bias: expected true, found nothing"),
    ("transformer", ["norm_type": .string("ada_norm_zero")], "norm_type: expected layer_norm or ada_norm, found ada_norm_zero"),
    ("transformer", ["num_vector_embeds": .int(.min)], "num_vector_embeds: expected 2 or more, found \(Int.min)"),
    ("transformer", ["attention_head_dim": .int(.max)], "attention_head_dim: expected 1 or more, found \(Int.max)"),
    ("transformer", ["num_embeds_ada_norm": .null], "num_embeds_ada_norm: expected a value, found nothing"),
    ("transformer", ["num_layers": .int(-1)], "layers: expected 1...4096, found -1"),
    (
      "vqvae", ["up_block_types": .array([.string("UpDecoderBlock2D"), .string("AttnUpDecoderBlock2D")])],
      "up_block_types: expected attention on the levels that have it in down_block_types, found [\"UpDecoderBlock2D\", \"AttnUpDecoderBlock2D\"]"
    ),
    ("vqvae", ["norm_type": .string("spatial")], "norm_type: expected group, found spatial"),
    ("text_encoder", ["num_attention_heads": .int(3)], "hidden_size: expected a multiple of heads (3), found 16"),
    ("text_encoder", ["hidden_act": .string("swish")], "hidden_act: expected quick_gelu or gelu, found swish"),
  ]

  @Test(arguments: refusals.indices) func configurationsThatAreRefused(index: Int) throws {
    let (part, changes, message) = Self.refusals[index]
    try withTemporaryFolder { folder in
      let target = try copy(to: folder)
      let file = target.appendingPathComponent("\(part)/config.json")
      try change(file, changes)
      let error = #expect(throws: ModelFileError.self) { try VQDiffusionPipeline(contentsOf: target) }
      let found = try #require(error?.description)
      #expect(found.hasPrefix(file.path + ": ") && found.hasSuffix(message), "\(found)")
    }
  }

  @Test func partsThatDoNotFit() throws {
    for (file, changes, expected, found) in [
      (
        "scheduler/scheduler_config.json", ["num_train_timesteps": JSONValue.int(11)], "10 timesteps, as the transformer has",
        "11 in the scheduler"
      ),
      ("transformer/config.json", ["cross_attention_dim": .int(24)], "", ""),
      ("vqvae/config.json", ["num_vq_embeddings": .int(21)], "", ""),
    ] {
      try withTemporaryFolder { folder in
        let target = try copy(to: folder)
        try change(target.appendingPathComponent(file), changes)
        let error = #expect(throws: (any Error).self) { try VQDiffusionPipeline(contentsOf: target) }
        if expected.isEmpty {
          // The tensors say otherwise.
          guard case .wrongShape = error as? CheckpointError else {
            Issue.record("\(file): \(error.map { "\($0)" } ?? "nothing")")
            return
          }
        } else {
          #expect(error as? ModelFileError == .mismatchedParts(folder: target.path, expected: expected, found: found))
        }
      }
    }
  }

  @Test func textEncodersThatDoNotFit() throws {
    try withTemporaryFolder { folder in
      let target = try copy(to: folder)
      let file = target.appendingPathComponent("text_encoder/config.json")
      for (changes, expected, found) in [
        (
          ["hidden_size": JSONValue.int(32)], "texts of [77, 16] numbers, as the transformer takes",
          "[77, 32] from the text encoder"
        ),
        (
          ["hidden_size": .int(16), "vocab_size": .int(1413)], "at most 1413 tokens, as the text encoder knows",
          "1414 in the tokenizer"
        ),
      ] {
        try change(file, changes)
        #expect(throws: ModelFileError.mismatchedParts(folder: target.path, expected: expected, found: found)) {
          try VQDiffusionPipeline(contentsOf: target)
        }
      }
      // Without one the rest loads, and says what it can't do.
      try FileManager.default.removeItem(at: target.appendingPathComponent("text_encoder"))
      let mute = try VQDiffusionPipeline(contentsOf: target)
      #expect(throws: PipelineError.textEncoderMissing(model: "pipeline")) { try mute.check(Self.prompts) }
      #expect(try ModelReport(ModelLocation(target)).textEncoder == nil)
    }
  }

  @Test func filesOfACheckpointDoNotGoWithAFolder() throws {
    let folder = RecordedPipeline.folder
    for location in [
      ModelLocation(folder, configuration: folder), ModelLocation(folder, autoencoder: folder),
      ModelLocation(folder, codebookMap: folder), ModelLocation(folder, usesLearnedEmptyText: false),
    ] {
      let error = ModelFileError.invalidLocation(
        expected: "a checkpoint file, to go with a YAML file and files of its parts", found: "a folder: \(folder.path)")
      #expect(throws: error) { try VQDiffusionPipeline(location) }
      #expect(throws: error) { try ModelReport(location) }
    }
  }

  @Test func surplusAndMissingTensors() throws {
    for (part, name) in [
      ("transformer", "transformer_blocks.0.norm4.weight"), ("transformer", "pos_embed.weight"),
      ("vqvae", "encoder.extra"), ("text_encoder", "text_model.extra"),
    ] {
      try withTemporaryFolder { folder in
        let target = try copy(to: folder)
        let stem = part == "text_encoder" ? "model" : "diffusion_pytorch_model"
        try addTensors(
          [StoredTensor(name, [1], shape: [1])], to: target.appendingPathComponent("\(part)/\(stem).safetensors"))
        let error = #expect(throws: CheckpointError.self) { try VQDiffusionPipeline(contentsOf: target) }
        guard case .unexpectedTensors(_, [name]) = error else {
          Issue.record("\(name): \(error.map { "\($0)" } ?? "nothing")")
          return
        }
      }
    }
  }

  /// A folder that states this project's format is its own, whatever class it names.
  @Test func aClassNameAloneDoesNotMakeOne() throws {
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel("denoiser-class-fc", to: folder, index: ["_class_name": "VQDiffusionPipeline"])
      #expect(try VQDiffusionPipeline(contentsOf: folder).name == "small")
    }
  }

  @Test func theReportNamesWhatIsThere() throws {
    let report = try ModelReport(ModelLocation(RecordedPipeline.folder))
    #expect(report.name == "pipeline" && report.timesteps == 10 && report.labels == [])
    let lines = "\(report)".split(separator: "\n").map(String.init)
    #expect(lines.count == 7 && lines[1] == "location: \(RecordedPipeline.folder.path)")
    #expect(
      lines[2].hasPrefix(
        "transformer: text-conditional, 77 text vectors of width 16, 2 layers of width 16, 2 heads, 4×4 tokens of 20 codes"))
    #expect(lines[3].hasPrefix("vqvae: 20 codes of dimension 5, 2×2 pixels per token, trained on 8×8"))
    #expect(lines[4].hasPrefix("text encoder: CLIP, 2 layers of width 16, 2 heads, 77 places for 1414 tokens"))
    #expect(lines[5] == "scheduler: mask and replace, 10 timesteps")
    let parameters = [
      report.network?.contents.parameters, report.tokenizer?.contents.parameters, report.textEncoder?.contents.parameters,
    ]
    #expect(lines[6].replacingOccurrences(of: ",", with: "") == "in all: \(parameters.reduce(0) { $0 + ($1 ?? 0) }) parameters")
    #expect(parameters.allSatisfy { ($0 ?? 0) > 1000 })
  }

  private func change(_ file: URL, _ changes: [String: JSONValue]) throws {
    let members = try JSONDecoder().decode([String: JSONValue].self, from: Data(contentsOf: file))
    try JSONEncoder().encode(members.merging(changes) { $1 }.filter { !$1.isNull }).write(to: file)
  }
}
