import Diffusion
import Foundation
import TestSupport
import Testing
import Transformer
import VQDiffusion

/// When requests of texts are checked, and when their texts are encoded.
@Suite struct TextRequestTests {
  private static let recorded = RecordedPipeline.folder
  private static let plain = GenerationSettings(method: .ancestral, steps: 3, seed: 5)
  private static let guided = GenerationSettings(method: .ancestral, steps: 3, guidanceScale: 3, seed: 5)

  private func smallModel(_ denoiser: String) throws -> VQDiffusionPipeline {
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel(denoiser, to: folder)
      return try VQDiffusionPipeline(contentsOf: folder)
    }
  }

  @Test func textsNeedATextEncoderWithoutGuidanceToo() throws {
    let mute = try smallModel("denoiser-text")
    let error = PipelineError.textEncoderMissing(model: mute.name)
    for settings in [Self.plain, Self.guided] {
      #expect(throws: error) { try mute.check([.prompt("a")], settings: settings) }
      #expect(throws: error) { _ = try mute.generation([.prompt("a")], settings: settings) }
    }
  }

  /// Whatever the scale: without a text model no scale helps.
  @Test(arguments: [plain, guided]) func aNegativeTextNeedsATextModel(settings: GenerationSettings) throws {
    let error = PipelineError.wrongSubjects(expected: "no negative text", found: "one")
    let classes = try smallModel("denoiser-class-fc")
    #expect(throws: error) { try classes.check([.label(1)], negativePrompt: "b", settings: settings) }
    let unconditional = try smallModel("denoiser-uncond")
    #expect(throws: error) { try unconditional.check([.anything], negativePrompt: "b", settings: settings) }
  }

  @Test func aCheckedRequestHasEncodedNothing() throws {
    let pipeline = try VQDiffusionPipeline(contentsOf: Self.recorded)
    let negative = try pipeline.guidance(Self.guided, negativePrompt: "b")
    #expect(negative?.unconditional == .text(negative: "b") && negative?.scale == 3)
    #expect(try pipeline.guidance(Self.guided, negativePrompt: nil)?.unconditional == .text(negative: nil))
    #expect(try pipeline.guidance(Self.plain, negativePrompt: nil) == nil)
    let classes = try smallModel("denoiser-class-fc")
    #expect(try classes.guidance(Self.guided, negativePrompt: nil)?.unconditional == .condition(.meanOfClasses))
  }

  /// Vectors are objects, so that it shows which are the same ones.
  @Test func aBatchKeepsTheTextsOfTheOneBeforeThatItNeeds() throws {
    let pipeline = try VQDiffusionPipeline(contentsOf: Self.recorded)
    var known = BatchConditions()
    var encoded = 0
    func vectors(_ texts: String...) throws -> [TextVectors] {
      try known.of(texts.map { .prompt($0) }, by: pipeline) { encoded += 1 }.map { condition in
        guard case .text(let vectors) = condition else { throw CancellationError() }
        return vectors
      }
    }
    let first = try vectors("a", "b", "b")
    #expect(encoded == 2 && first[1] === first[2] && first[0] != first[1])
    let second = try vectors("b", "c", "b")
    #expect(encoded == 3 && second[0] === first[1] && second[2] === first[1])
    weak var dropped: TextVectors?
    do { dropped = try vectors("d")[0] }
    #expect(encoded == 4 && dropped != nil)
    let third = try vectors("b")
    #expect(encoded == 5 && dropped == nil && third[0] !== first[1] && third[0] == first[1])
  }

  @Test func cancellingStopsTheEncoding() throws {
    let pipeline = try VQDiffusionPipeline(contentsOf: Self.recorded)
    var known = BatchConditions()
    var asked = 0
    #expect(throws: CancellationError.self) {
      try known.of([.prompt("a"), .prompt("b"), .prompt("c")], by: pipeline) {
        asked += 1
        if asked == 2 { throw CancellationError() }
      }
    }
    #expect(asked == 2)
  }

  @Test func batchesChangeNoImageOfATextAndTellTheNegativeOne() async throws {
    let pipeline = try VQDiffusionPipeline(contentsOf: Self.recorded)
    var settings = Self.guided
    let texts = ["a bear", "a red bird", "a bear"]
    let together = try await pipeline.generate(prompts: texts, negativePrompt: "blue", count: 2, settings: settings)
    settings.batchSize = 1
    let alone = try await pipeline.generate(prompts: texts, negativePrompt: "blue", count: 2, settings: settings)
    #expect(together.map(\.tokens) == alone.map(\.tokens) && together.map(\.image) == alone.map(\.image))
    #expect(alone.allSatisfy { $0.negativePrompt == "blue" })
    let record = ImageRecord(alone[2], by: pipeline, settings: settings)
    #expect(record.negativePrompt == "blue" && record.prompt == "a red bird")
    #expect(record.parameters.hasPrefix("a red bird\nNegative prompt: blue\n"))
    let sheet = ImageRecord(sheet: alone, columns: 2, by: pipeline, settings: settings)
    #expect(sheet.negativePrompt == "blue" && sheet.cells?.map(\.prompt) == texts.flatMap { [$0, $0] })
    let without = try await pipeline.generate(prompts: ["a bear"], settings: settings)
    #expect(without[0].negativePrompt == nil && ImageRecord(without[0], by: pipeline, settings: settings).negativePrompt == nil)
  }

  /// PNG's texts can't hold it; the record as JSON can.
  @Test func aTextWithNULIsRecorded() async throws {
    let pipeline = try VQDiffusionPipeline(contentsOf: Self.recorded)
    let images = try await pipeline.generate(prompts: ["a\0b"], negativePrompt: "c\0", settings: Self.guided)
    let record = ImageRecord(images[0], by: pipeline, settings: Self.guided)
    let texts = try PNGText.textChunks(of: images[0].image.pngBytes(text: record.pngTexts()))
    #expect(try ImageRecord(texts) == record && record.prompt == "a\0b" && record.negativePrompt == "c\0")
    #expect(record.parameters.hasPrefix("a b\nNegative prompt: c\nSteps: "))
  }

  @Test func previewsTellTheNegativeTextToo() async throws {
    let pipeline = try VQDiffusionPipeline(contentsOf: Self.recorded)
    var previews = 0
    let events = try pipeline.generation(
      [.prompt("a bear")], negativePrompt: "blue", settings: Self.guided, reportsExpected: true)
    for try await event in events {
      guard case .step(let step) = event else { continue }
      for preview in try pipeline.codec.expectedImages(of: step) {
        previews += 1
        #expect(preview.negativePrompt == "blue" && preview.subject == .prompt("a bear"))
      }
    }
    #expect(previews > 0)
  }
}
