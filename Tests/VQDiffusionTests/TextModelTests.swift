import CLIPText
import Checkpoint
import Foundation
import TestSupport
import Testing
import VQDiffusion

/// A text-conditional model in Microsoft's layout, whose text encoder has OpenAI's names.
@Suite struct TextModelTests {
  private static let prompts: [GenerationSubject] = [.prompt("a red bird"), .prompt("two trees"), .prompt("a red bird")]

  private func write(encoder: [StoredTensor]? = nil, empty: Bool = true, changes: [String: Any] = [:], to folder: URL) throws
    -> ModelLocation
  {
    let tensors =
      try TextModelFiles.denoiser() + MicrosoftFiles.codec("vqvae-taming") + (encoder ?? TextModelFiles.encoder())
      + (empty ? [TextModelFiles.emptyText()] : []) + MicrosoftFiles.buffers(timesteps: 10)
    let configuration = try MicrosoftFiles.configuration(
      "denoiser-text", changes: TextModelFiles.changes.merging(changes) { $1 })
    let files = try MicrosoftFiles.write(tensors, describedBy: configuration, to: folder)
    return ModelLocation(files.checkpoint, configuration: files.configuration)
  }

  /// The same model as a project folder, its encoder under Hugging Face's names.
  private func writeProject(to folder: URL) throws {
    try ModelFolders.writeModel("denoiser-text", to: folder)
    try FileManager.default.removeItem(at: folder.appendingPathComponent("transformer"))
    try ModelFolders.writeTransformer(
      "denoiser-text", to: folder, changes: ["text_length": TextModelFiles.textLength, "text_width": TextModelFiles.width])
    try SafetensorsFile.write(
      TextModelFiles.denoiser(prefix: ""), to: folder.appendingPathComponent("transformer/weights.safetensors"))
    try ModelFolders.write(TextModelFiles.encoderConfiguration, to: folder.appendingPathComponent("text_encoder/config.json"))
    try SafetensorsFile.write(
      TextModelFiles.huggingFaceEncoder(), to: folder.appendingPathComponent("text_encoder/model.safetensors"))
    try SafetensorsFile.write(
      [TextModelFiles.emptyText("embeddings")], to: folder.appendingPathComponent("text_encoder/empty_text.safetensors"))
    try ModelFolders.write(["variant": "reference"], to: folder.appendingPathComponent("tokenizer/config.json"))
    let merges = fixtures.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Sources/ModelFiles/Resources/clip/merges.txt")
    try FileManager.default.copyItem(at: merges, to: folder.appendingPathComponent("tokenizer/merges.txt"))
  }

  private func images(_ pipeline: VQDiffusionPipeline, guidance: Double = 3, negative: String? = nil) async throws
    -> [GeneratedImage]
  {
    let settings = GenerationSettings(method: .ancestral, steps: 10, guidanceScale: guidance, seed: 8)
    return try await pipeline.generate(Self.prompts, negativePrompt: negative, settings: settings)
  }

  @Test func drawsWhatTheSameProjectFolderDraws() async throws {
    try await withTemporaryFolder { folder in
      let location = try write(to: folder)
      let project = folder.appendingPathComponent("project")
      try writeProject(to: project)
      let pipeline = try VQDiffusionPipeline(location)
      #expect(pipeline.defaultSettings.guidanceScale == 5 && pipeline.labels.names == [])
      let found = try await images(pipeline)
      let expected = try await images(VQDiffusionPipeline(contentsOf: project))
      #expect(found.map(\.tokens) == expected.map(\.tokens) && found.map(\.image) == expected.map(\.image))
      #expect(Set(found.map(\.tokens)).count == 3)
      let converted = folder.appendingPathComponent("converted")
      try ModelConversion(location).write(to: converted)
      let again = try VQDiffusionPipeline(contentsOf: converted)
      #expect(try await images(again).map(\.image) == expected.map(\.image))
      #expect(try await images(again, negative: "blue").map(\.tokens) == images(pipeline, negative: "blue").map(\.tokens))
      let report = "\(try ModelReport(ModelLocation(converted)))"
      #expect(report.contains("transformer: text-conditional, 8 text vectors of width 64, 2 layers of width 16"), "\(report)")
      #expect(report.contains("text encoder: CLIP, 2 layers of width 64, 1 heads, 8 places for 49408 tokens"), "\(report)")
    }
  }

  /// The learned vectors are what guidance leads away from; without them those of the empty text are.
  @Test func guidanceLeadsAwayFromNoText() async throws {
    try await withTemporaryFolder { folder in
      let learned = try VQDiffusionPipeline(write(to: folder))
      let (texts, empty) = (try #require(learned.texts), try TextModelFiles.emptyText())
      #expect(try texts.unconditional(negative: nil).values.shape == empty.shape)
      #expect(try texts.unconditional(negative: nil) != texts.vectors(of: ""))
      #expect(try texts.unconditional(negative: "blue") == texts.vectors(of: "blue"))
      #expect(texts.isCut("one two three four five six seven") && !texts.isCut("one two three four five six"))
      let other = folder.appendingPathComponent("other")
      try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
      let unlearned = try VQDiffusionPipeline(write(empty: false, to: other))
      let plain = try #require(unlearned.texts)
      #expect(try plain.unconditional(negative: nil) == texts.vectors(of: ""))
      #expect(try await images(unlearned).map(\.tokens) == images(learned, negative: "").map(\.tokens))
      #expect(try await images(unlearned).map(\.tokens) != images(learned).map(\.tokens))
      #expect(try await images(unlearned, guidance: 1).map(\.tokens) == images(learned, guidance: 1).map(\.tokens))
    }
  }

  @Test func requestsThatDoNotFit() throws {
    try withTemporaryFolder { folder in
      let pipeline = try VQDiffusionPipeline(write(to: folder))
      #expect(throws: PipelineError.wrongSubjects(expected: "texts", found: "class 3")) { try pipeline.check([.label(3)]) }
      #expect(throws: PipelineError.wrongSubjects(expected: "texts", found: "no subject")) { try pipeline.check([.anything]) }
      #expect(throws: PipelineError.promptsRequired) { try pipeline.check([]) }
      #expect(throws: PipelineError.wrongSubjects(expected: "texts", found: "2 classes")) {
        try pipeline.subjects(classes: ["1", "2"], prompts: ["a"])
      }
      #expect(try pipeline.subjects(classes: [], prompts: ["a", "b"]) == [.prompt("a"), .prompt("b")])
      let unguided = GenerationSettings(method: .ancestral, steps: 10)
      #expect(throws: PipelineError.guidanceUnavailable(reason: "a negative text needs a guidance scale other than 1")) {
        try pipeline.check([.prompt("a")], negativePrompt: "b", settings: unguided)
      }
      let classes = folder.appendingPathComponent("classes")
      try ModelFolders.writeModel("denoiser-class-fc", to: classes)
      let other = try VQDiffusionPipeline(contentsOf: classes)
      #expect(throws: PipelineError.wrongSubjects(expected: "classes", found: "text 'a'")) { try other.check([.prompt("a")]) }
      #expect(throws: PipelineError.wrongSubjects(expected: "classes", found: "a text")) {
        try other.subjects(classes: ["1"], prompts: ["a"])
      }
      let guided = GenerationSettings(method: .ancestral, steps: 10, guidanceScale: 2)
      #expect(throws: PipelineError.wrongSubjects(expected: "no negative text", found: "one")) {
        try other.check([.label(1)], negativePrompt: "b", settings: guided)
      }
      let unconditional = folder.appendingPathComponent("unconditional")
      try ModelFolders.writeModel("denoiser-uncond", to: unconditional)
      let none = try VQDiffusionPipeline(contentsOf: unconditional)
      #expect(throws: PipelineError.labelsForUnconditionalModel(found: 1)) { try none.check([.label(1)]) }
      #expect(throws: PipelineError.wrongSubjects(expected: "nothing (the model is unconditional)", found: "text 'a'")) {
        try none.check([.prompt("a")])
      }
      #expect(throws: PipelineError.wrongSubjects(expected: "nothing (the model is unconditional)", found: "a text")) {
        try none.subjects(classes: [], prompts: ["a"])
      }
    }
  }

  @Test func partsThatDoNotFit() throws {
    try withTemporaryFolder { folder in
      let path = folder.path + "/model.pth"
      // A checkpoint without its text encoder is a denoiser and a codec.
      let mute = try VQDiffusionPipeline(write(encoder: [], to: folder))
      #expect(mute.texts == nil)
      #expect(throws: PipelineError.textEncoderMissing(model: "model")) { try mute.check([.prompt("a")]) }
      for (field, value, expected) in [
        ("condition_seq_len", 7, "texts of [7, 64] numbers, as the transformer takes")
      ] {
        let location = try write(changes: [MicrosoftFiles.network(field): value], to: folder)
        #expect(throws: ModelFileError.mismatchedParts(folder: path, expected: expected, found: "[8, 64] from the text encoder"))
        {
          try VQDiffusionPipeline(location)
        }
      }
      let few = try TextModelFiles.encoder().map { tensor in
        tensor.name.hasSuffix("token_embedding.weight")
          ? StoredTensor(tensor.name, try WeightLoader(randomSeed: 2).tensor("few", [100, TextModelFiles.width])) : tensor
      }
      let small = try write(encoder: few, to: folder)
      let tokens = ModelFileError.mismatchedParts(
        folder: path, expected: "at most 100 tokens, as the text encoder knows", found: "49408 in the tokenizer")
      #expect(throws: tokens) { try VQDiffusionPipeline(small) }
      let without = try TextModelFiles.encoder().filter { !$0.name.hasSuffix("ln_final.bias") }
      let damaged = try write(encoder: without, to: folder)
      let error = #expect(throws: CheckpointError.self) { try VQDiffusionPipeline(damaged) }
      guard case .missingTensor(path, "ln_final.bias", _) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  /// Texts' tensors in a model of classes are left out, and said to be.
  @Test func aClassModelLeavesTextsOut() throws {
    try withTemporaryFolder { folder in
      let tensors =
        try MicrosoftFiles.weights("denoiser-class-fc", prefix: MicrosoftFiles.denoiserPrefix)
        + MicrosoftFiles.codec("vqvae-taming") + [StoredTensor("model.transformer.condition_emb.emb.weight", [1], shape: [1])]
      let files = try MicrosoftFiles.write(
        tensors, describedBy: MicrosoftFiles.configuration("denoiser-class-fc"), to: folder)
      let conversion = try ModelConversion(ModelLocation(files.checkpoint, configuration: files.configuration))
      #expect(
        conversion.ignored.contains {
          $0.name == "model.transformer.condition_emb.emb.weight" && $0.reason == "the model takes no texts"
        })
    }
  }
}
