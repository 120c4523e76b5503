import Foundation
import TestSupport
import Testing
import VQDiffusion

/// A foreign family over a plain sequence, without timesteps, with a logit for [MASK] and tokens that are no squares of pixels.
@Suite struct StripeFamilyTests {
  private static let methods: [SamplingMethod] = [
    .ancestral, .fewerTokens, .purity(weight: 1), .purityReference(weight: 1), .maskGIT(temperature: 1), .remasking(.cap(0.1)),
  ]

  @Test(arguments: methods) func imagesAreStripesOfCodesAlone(method: SamplingMethod) async throws {
    let pipeline = try stripeModel()
    let images = try await pipeline.generate(
      count: 6, settings: GenerationSettings(method: method, steps: 7, seed: 5, batchSize: 4))
    #expect(images.count == 6)
    for image in images {
      // The logit of [MASK] is the largest, and no image holds one.
      #expect(image.tokens.count == 7 && image.tokens.allSatisfy { (0..<4).contains($0) })
      #expect(image.image.size == ImageSize(width: 21, height: 5))
      for x in 0..<21 {
        let shade = UInt8(Int(image.tokens[x / 3]) * 85)
        #expect((0..<5).allSatisfy { image.image[x, $0] == .init(shade, shade, shade) })
      }
    }
  }

  @Test func tokensFollowTheChain() async throws {
    let settings = GenerationSettings(method: .fewerTokens, steps: 7, temperature: 0.05, seed: 9)
    let images = try await stripeModel().generate(count: 40, settings: settings)
    // A token that was drawn after its left neighbour is that one's successor; half of them are.
    let followed = images.reduce(0) { sum, image in
      sum + zip(image.tokens, image.tokens.dropFirst()).count { ($0 + 1) % 4 == $1 }
    }
    #expect(followed > 110, "\(followed) of 240 successors")
  }

  @Test func equalTokensAreEvaluatedOnceWhateverTheTimestep() async throws {
    let pipeline = try stripeModel()
    var last: SamplingProgress?
    // Far more steps than tokens: most of them change nothing.
    let settings = GenerationSettings(method: .remasking(.cap(0)), steps: 60, seed: 1)
    for try await event in try pipeline.request([], settings: settings).events() {
      if case .step(let step) = event { last = step.progress }
    }
    let progress = try #require(last)
    #expect(progress.evaluations <= 8 && progress.evaluations + progress.reused == 60, "\(progress.evaluations) evaluations")
  }

  @Test func haltonNeedsAGrid() throws {
    let settings = GenerationSettings(method: .halton, steps: 3)
    let error = try #require(throws: DiffusionError.self) { try stripeModel().check(settings: settings) }
    #expect(error == .needsGrid(sampler: "halton", found: .sequence(length: 7)))
  }

  @Test func inpaintingNeedsSquaresOfPixels() throws {
    let codec = try stripeModel().codec
    var hole = RGBImage(width: 21, height: 5, filledWith: .black)
    hole[4, 2] = .white
    let repainting = try Repainting(RGBImage(width: 21, height: 5, filledWith: .white), mask: RepaintMask(hole))
    #expect(throws: PipelineError.needsPixelGrid(work: "inpainting", found: "a sequence of 7 tokens")) {
      try repainting.knownTokens(by: codec)
    }
  }

  @Test func knownTokensStay() async throws {
    let known: [Int32?] = [3, nil, nil, 1, nil, nil, 2]
    let settings = GenerationSettings(method: .fewerTokens, steps: 4, seed: 2)
    let images = try await stripeModel().generate(count: 3, settings: settings, from: .known(KnownTokens(known)))
    #expect(images.allSatisfy { $0.tokens[0] == 3 && $0.tokens[3] == 1 && $0.tokens[6] == 2 })
  }

  @Test func variationsStartFromAnImage() async throws {
    let pipeline = try stripeModel()
    let tokens: [Int32] = [0, 1, 2, 3, 0, 1, 2]
    let settings = GenerationSettings(method: .fewerTokens, steps: 1, seed: 8)
    let images = try await pipeline.generate(settings: settings, from: .noised(tokens: tokens, strength: 0.2))
    #expect(zip(images[0].tokens, tokens).count { $0 != $1 } <= 1)
  }

  /// Masks can't be covered where tokens have no place in the image: pictures show the predictions.
  @Test func stepsShowPredictions() async throws {
    let pipeline = try stripeModel()
    let settings = GenerationSettings(method: .fewerTokens, steps: 2, seed: 2)
    var pictures = 0
    for try await event in try pipeline.request([], settings: settings).events(reportsExpected: true) {
      guard case .step(let step) = event else { continue }
      let picture = try #require(try pipeline.codec.maskedImages(of: step).first ?? nil)
      #expect((0..<105).allSatisfy { picture[$0 % 21, $0 / 21] != .gray })
      pictures += 1
    }
    #expect(pictures == 2)
  }

  @Test func tokensGoThroughFiles() throws {
    let codec = try stripeModel().codec
    let tokens = ImageTokens([0, 1, 2, 3, 3, 2, 1, 1, 1, 1, 0, 0, 2, 2], layout: .sequence(length: 7))
    #expect(try codec.encode(codec.decode(tokens)) == tokens)
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("tokens.safetensors")
      try TokenFile.write(tokens, of: codec, to: file)
      #expect(try TokenFile.read(file, for: codec) == tokens)
    }
    #expect(throws: VQVAEError.self) { try codec.encode([RGBImage(width: 20, height: 5, filledWith: .white)]) }
  }

  @Test func gridsAreNoLayoutOfStripes() throws {
    let tokenizer = StripeTokenizer(stripes: 6, stripeWidth: 3, height: 5, shades: 4)
    #expect(throws: PipelineError.self) {
      try VQDiffusionPipeline(
        name: "m", network: ChainNetwork(codes: 4, length: 7), tokenizer: tokenizer,
        corruption: AbsorbingCorruption(timesteps: 12, codes: 4))
    }
  }
}
