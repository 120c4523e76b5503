import Foundation
import TestSupport
import Testing
import VQDiffusion

/// What foreign networks and tokenizers return is checked: typed errors instead of traps and wrong pictures.
@Suite struct DamagedFamilyTests {
  /// Two codes on a grid of 2×2 tokens, 4×4 pixels, with whatever outputs it is given.
  private struct Tokenizer: ImageTokenizer {
    var facts = TokenizerFacts(codes: 2, height: 4, width: 4, pixelsPerToken: 2)
    var pixels = FloatTensor(zeros: [1, 4, 4, 3])
    var tokens = ImageTokens([0, 1, 0, 1], layout: .grid(rows: 2, columns: 2))
    var features: FloatTensor?

    func layout(height: Int, width: Int) -> TokenLayout? { .grid(rows: height / 2, columns: width / 2) }
    func imageSize(of layout: TokenLayout) -> (height: Int, width: Int)? { (4, 4) }
    func encode(_ images: FloatTensor) -> ImageTokens { tokens }
    func decode(_ tokens: ImageTokens) -> FloatTensor { pixels }
    func tokensAndFeatures(_ images: FloatTensor) -> (tokens: ImageTokens, features: FloatTensor?) { (tokens, features) }
  }

  private struct Network: DenoisingNetwork {
    var facts = NetworkFacts(codes: 2, layout: .grid(rows: 2, columns: 2))
    var logits = FloatTensor(zeros: [1, 4, 2])

    func logits(_ input: NetworkInput, checkCancellation: () throws -> Void) -> FloatTensor { logits }
  }

  /// Codes that only stay what they are or become a mask, as another package would write it.
  private struct HalfMasking: Corruption {
    let timesteps = 4
    let codes = 2
    let name = "half masking"
    let startMasks = 1.0

    func cumulative(at t: Int) -> Transition { Transition(keep: 1 - Double(t) / 4, replace: 0, mask: Double(t) / 4) }
  }

  private func model(
    _ network: Network = Network(), _ tokenizer: Tokenizer = Tokenizer(), settings: GenerationSettings? = nil
  ) throws -> VQDiffusionPipeline {
    try VQDiffusionPipeline(name: "m", network: network, tokenizer: tokenizer, corruption: HalfMasking(), settings: settings)
  }

  @Test func theUndamagedModelWorks() async throws {
    let images = try await model().generate(count: 1)
    #expect(images.count == 1 && images[0].image == RGBImage(width: 4, height: 4, filledWith: .black))
  }

  @Test(arguments: [[2, 4, 4, 3], [1, 4, 3], [1, 4, 4, 1], [1, 2, 8, 3], [0, 4, 4, 3]])
  func imagesOfAnotherShape(shape: [Int]) async throws {
    let pipeline = try model(Network(), Tokenizer(pixels: FloatTensor(zeros: shape)))
    let error = PipelineError.tokenizerOutput(expected: "[1, 4, 4, 3]", found: "\(shape)")
    await #expect(throws: error) { try await pipeline.generate(count: 1) }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity]) func pixelsThatAreNotFinite(value: Float) async throws {
    let values = (0..<48).map { $0 == 47 ? value : 0.5 }
    let pipeline = try model(Network(), Tokenizer(pixels: FloatTensor(values, shape: [1, 4, 4, 3])))
    let error = PipelineError.tokenizerOutput(expected: "finite pixels", found: "NaN or an infinity")
    await #expect(throws: error) { try await pipeline.generate(count: 1) }
  }

  @Test func tokensThatAreNotThoseOfTheImages() throws {
    let picture = RGBImage(width: 4, height: 4, filledWith: .gray)
    for tokens in [
      ImageTokens([0, 1, 2, 1], layout: .grid(rows: 2, columns: 2)),
      ImageTokens([0, 1, -1, 1], layout: .grid(rows: 2, columns: 2)),
      ImageTokens([0, 1, 0, 1], layout: .grid(rows: 1, columns: 4)), ImageTokens([0, 1, 0, 1], layout: .sequence(length: 4)),
      ImageTokens(Array(repeating: 0, count: 8), layout: .grid(rows: 2, columns: 2)),
    ] {
      let codec = try model(Network(), Tokenizer(tokens: tokens)).codec
      let error = #expect(throws: PipelineError.self) { try codec.encode([picture]) }
      guard case .tokenizerOutput = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(throws: PipelineError.self) { try codec.summary(of: [picture], name: "set") }
    }
  }

  @Test func featuresOfAnotherShape() throws {
    let picture = RGBImage(width: 4, height: 4, filledWith: .gray)
    for shape in [[1, 2, 3], [2, 1, 1, 3], [1, 0, 1, 3]] {
      let codec = try model(Network(), Tokenizer(features: FloatTensor(zeros: shape))).codec
      let error = PipelineError.tokenizerOutput(expected: "feature maps [1, h, w, channels]", found: "\(shape)")
      #expect(throws: error) { try codec.summary(of: [picture], name: "set") }
    }
  }

  @Test(arguments: [[1, 4, 3], [1, 2, 2], [4, 2], [2, 4, 2]]) func logitsOfAnotherShape(shape: [Int]) async throws {
    let pipeline = try model(Network(logits: FloatTensor(zeros: shape)))
    let error = TransformerError.wrongLogits(expected: [1, 4, 2], found: shape)
    for method in [SamplingMethod.ancestral, .purity(weight: 1)] {
      await #expect(throws: error, "\(method)") {
        try await pipeline.generate(count: 1, settings: GenerationSettings(method: method, steps: 2))
      }
    }
  }

  @Test func geometryThatDoesNotFit() throws {
    for side in [0, -2, 1, 4] {
      let tokenizer = Tokenizer(facts: TokenizerFacts(codes: 2, height: 4, width: 4, pixelsPerToken: side))
      let error = PipelineError.mismatchedParts(
        model: "m", expected: "\(side) pixels a token, as the tokenizer states", found: "a grid of 2×2 tokens for 4×4 pixels")
      #expect(throws: error) { try model(Network(), tokenizer) }
    }
  }

  @Test func factsThatMakeNoSense() throws {
    for (facts, field) in [
      (NetworkFacts(codes: 0, layout: .sequence(length: 4)), "codes"),
      (NetworkFacts(codes: 2, layout: .sequence(length: 0)), "layout"),
      (NetworkFacts(codes: 2, layout: .grid(rows: -1, columns: -1)), "layout"),
      (NetworkFacts(codes: 2, layout: .grid(rows: .max, columns: 2)), "layout"),
      (NetworkFacts(codes: 2, layout: .sequence(length: 4), timesteps: 0), "timesteps"),
      (
        NetworkFacts(
          codes: 2, layout: .sequence(length: 4), conditioning: .classes(count: -1, hasNoClass: false, canAverage: false)),
        "classes"
      ),
    ] {
      let error = #expect(throws: TransformerError.self) { try model(Network(facts: facts)) }
      guard case .invalidConfiguration(field, _, _) = error else {
        Issue.record("\(field): \(String(describing: error))")
        continue
      }
    }
    let texts = NetworkFacts(codes: 2, layout: .grid(rows: 2, columns: 2), conditioning: .text(length: 3, width: 5))
    #expect(throws: PipelineError.self) { try model(Network(facts: texts)) }
  }

  @Test func settingsThatTheModelCannotMeet() throws {
    #expect(throws: PipelineError.guidanceUnavailable(reason: "the network has no \"no class\"")) {
      try model(settings: GenerationSettings(method: .ancestral, steps: 2, guidanceScale: 3))
    }
    #expect(throws: DiffusionError.temperature(found: 0)) {
      try model(settings: GenerationSettings(method: .ancestral, steps: 2, temperature: 0))
    }
    #expect(throws: DiffusionError.self) { try model(settings: GenerationSettings(method: .ancestral, steps: 5)) }
  }

  /// A layout that isn't the model's own is in the file.
  @Test func tokenFilesOfOtherLayouts() throws {
    try withTemporaryFolder { folder in
      let (codec, file) = (try model().codec, folder.appendingPathComponent("tokens.safetensors"))
      for layout in [TokenLayout.sequence(length: 3), .grid(rows: 3, columns: 1)] {
        let tokens = ImageTokens([0, 1, 1], layout: layout)
        try TokenFile.write(tokens, of: codec, to: file)
        #expect(try TokenFile.read(file, for: codec) == tokens)
      }
    }
  }
}
