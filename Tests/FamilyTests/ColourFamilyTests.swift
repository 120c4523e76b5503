import Foundation
import TestSupport
import Testing
import VQDiffusion

/// A foreign family on a grid, with timesteps and a "no class", through the whole library.
@Suite struct ColourFamilyTests {
  private static let methods: [SamplingMethod] = [.ancestral, .purity(weight: 1), .halton, .maskGIT(temperature: 4.5)]

  @Test(arguments: methods) func classesBecomeTheirColours(method: SamplingMethod) async throws {
    let pipeline = try colourModel()
    let settings = GenerationSettings(method: method, steps: 6, guidanceScale: 2, seed: 3, batchSize: 3)
    let images = try await pipeline.generate(labels: [0, 1, 2], count: 4, settings: settings)
    #expect(images.count == 12 && images.allSatisfy { $0.image.size == ImageSize(width: 8, height: 6) })
    #expect(images[..<4].allSatisfy { $0.tokens == Array(repeating: 0, count: 12) })
    #expect(images[0].image == RGBImage(width: 8, height: 6, filledWith: .init(255, 0, 0)))
    let green = images[4..<8].flatMap(\.tokens).count { $0 == 1 }
    #expect(green > 24, "\(green) of 48 green squares of class 1")
    #expect(Set(images[8...].flatMap(\.tokens)).count > 2)
  }

  @Test func anImageDoesNotDependOnItsBatch() async throws {
    let pipeline = try colourModel()
    var settings = GenerationSettings(method: .purity(weight: 1), steps: 5, guidanceScale: 3, seed: 40)
    let together = try await pipeline.generate(labels: [2], count: 5, settings: settings)
    settings.seed = 43
    let alone = try await pipeline.generate(labels: [2], settings: settings)
    #expect(together[3].tokens == alone[0].tokens && together[3].image == alone[0].image)
  }

  @Test func ownSettingsAreAncestral() throws {
    let settings = try colourModel().defaultSettings
    #expect(settings.method == .ancestral && settings.steps == 10 && settings.guidanceScale == 1)
  }

  @Test func classesAreFoundByName() throws {
    let pipeline = try colourModel()
    #expect(try pipeline.subjects(classes: ["green", "all"], prompts: []) == [.label(1), .label(0), .label(1), .label(2)])
    #expect(throws: ModelFileError.unknownLabel("3", near: ["0…2"])) { try pipeline.check(labels: [3]) }
  }

  @Test func knownTokensStayWhenInpainting() async throws {
    let pipeline = try colourModel()
    let blue = RGBImage(width: 8, height: 6, filledWith: .init(0, 0, 255))
    var hole = RGBImage(width: 8, height: 6, filledWith: .black)
    for y in 2..<6 {
      for x in 3..<8 { hole[x, y] = .white }
    }
    let repainting = try Repainting(blue, mask: RepaintMask(hole))
    let known = try repainting.knownTokens(by: pipeline.codec)
    #expect(known.map { $0 == nil } == (0..<12).map { $0 >= 4 && $0 % 4 >= 1 })
    let settings = GenerationSettings(method: .fewerTokens, steps: 4, seed: 1)
    let images = try await pipeline.generate(labels: [0], settings: settings, from: .known(KnownTokens(known)))
    #expect(images[0].tokens == (0..<12).map { $0 >= 4 && $0 % 4 >= 1 ? 0 : 2 })
    let result = repainting.composited(images[0].image)
    #expect(result[3, 2] == .init(255, 0, 0) && result[2, 2] == .init(0, 0, 255) && result[7, 1] == .init(0, 0, 255))
  }

  @Test func stepsShowMaskedAndExpectedPictures() async throws {
    let pipeline = try colourModel()
    let settings = GenerationSettings(method: .fewerTokens, steps: 3, seed: 2)
    var masks: [Int] = []
    for try await event in try pipeline.request([.label(0)], settings: settings).events(reportsExpected: true) {
      guard case .step(let step) = event else { continue }
      let picture = try #require(try pipeline.codec.maskedImages(of: step).first ?? nil)
      masks.append((0..<48).count { picture[$0 % 8, $0 / 8] == .gray } / 4)
      let expected = try pipeline.codec.expectedImages(of: step)
      #expect(expected.map(\.image) == [RGBImage(width: 8, height: 6, filledWith: .init(255, 0, 0))])
    }
    #expect(masks == [12, 8, 4])
  }

  @Test func imagesBecomeTokensAndTokensFiles() throws {
    let codec = try colourModel().codec
    let pictures = [RGBImage.Color(250, 10, 3), .init(0, 0, 240)].map { RGBImage(width: 4, height: 10, filledWith: $0) }
    let tokens = try codec.encode(pictures)
    #expect(
      tokens == ImageTokens(Array(repeating: 0, count: 10) + Array(repeating: 2, count: 10), layout: .grid(rows: 5, columns: 2)))
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("tokens.safetensors")
      try TokenFile.write(tokens, of: codec, to: file)
      #expect(try TokenFile.read(file, for: codec) == tokens)
    }
    #expect(try codec.decode(tokens[1])[0] == RGBImage(width: 4, height: 10, filledWith: .init(0, 0, 255)))
  }

  @Test func setsOfImagesCannotBeComparedWithoutFeatures() throws {
    let pipeline = try colourModel()
    let pictures = Array(repeating: RGBImage(width: 8, height: 6, filledWith: .gray), count: 8)
    #expect(throws: PipelineError.featuresMissing) {
      try pipeline.evaluate(real: pictures, generated: pictures)
    }
  }

  @Test func partsThatDoNotFitAreRefused() throws {
    let colours: [[Float]] = [[0, 0, 0], [1, 1, 1]]
    func model(codes: Int = 2, timesteps: Int = 8, side: Int = 2, labels: [String] = ["a"]) throws {
      _ = try VQDiffusionPipeline(
        name: "m", network: TableNetwork([[0, 1], [1, 0]], rows: 2, columns: 2, timesteps: 8),
        tokenizer: ColourTokenizer(colours, side: side, height: 4, width: 4),
        corruption: AbsorbingCorruption(timesteps: timesteps, codes: codes), labels: LabelSet(labels))
    }
    try model()
    #expect(
      throws: PipelineError.mismatchedParts(model: "m", expected: "2 codes, as the network has", found: "3 in the corruption")
    ) { try model(codes: 3) }
    #expect(
      throws: PipelineError.mismatchedParts(model: "m", expected: "8 timesteps, as the network has", found: "9 in the corruption")
    ) { try model(timesteps: 9) }
    #expect(throws: PipelineError.mismatchedParts(model: "m", expected: "at most 1 labels", found: "2")) {
      try model(labels: ["a", "b"])
    }
  }
}
