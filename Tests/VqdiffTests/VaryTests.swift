import Foundation
import TestSupport
import Testing
import VQDiffusion

@Suite struct VaryTests {
  private static let small = ["vary", "--model", "model", "--image", "picture.png", "--seed", "5"]

  /// With purity sampling, which masks an exact share of the tokens: those that aren't masked stay.
  @Test func aLittleStrengthKeepsMostTokens() async throws {
    let pipeline = try VQDiffusionPipeline.builtIn()
    let picture = noisePicture(width: 32, height: 32, seed: 8)
    let tokens = try pipeline.encode([picture]).tokens
    var settings = GenerationSettings(method: .purity(weight: 1), steps: 2, seed: 5)
    var kept: [Int] = []
    for strength in [0.05, 0.5, 1] {
      let images = try await pipeline.generate(
        labels: [5], count: 2, settings: settings, from: .noised(tokens: tokens, strength: strength))
      let counts = images.map { zip($0.tokens, tokens).count { $0 == $1 } }
      #expect(images[0].tokens != images[1].tokens)
      kept.append(counts[0])
      #expect(counts[0] >= 64 - Int((64 * strength).rounded()))
      try withTemporaryFolder { folder in
        try picture.write(to: folder.appendingPathComponent("a.png"))
        try succeed(
          [
            "vary", "-i", "a.png", "-c", "dog", "--strength", "\(strength)", "--sampler", "purity", "--purity-weight", "1",
            "--steps", "2", "--cfg-scale", "1", "--count", "2", "--seed", "5", "-o", "%d.png",
          ], in: folder)
        for index in 0..<2 {
          #expect(try RGBImage(contentsOf: folder.appendingPathComponent("\(index).png")) == images[index].image)
        }
      }
    }
    #expect(kept[0] >= 61 && kept[1] >= 32 && kept[1] < 61 && kept[2] < 32)
    // At 1 all tokens are masked: nothing is left of the picture, and the draws are plain generation's.
    settings.seed = 6
    let plain = try await pipeline.generate(labels: [5], settings: settings)
    let varied = try await pipeline.generate(labels: [5], settings: settings, from: .noised(tokens: tokens, strength: 1))
    #expect(plain[0].tokens == varied[0].tokens)
  }

  @Test(arguments: SamplingMethod.all.filter { $0 != .stridedReference }.map(\.name))
  func everySamplerVaries(sampler: String) throws {
    try withEditFolder { folder in
      let options = ["--sampler", sampler, "--strength", "0.6", "--steps", "3"]
      try succeed(Self.small + options + ["--count", "2", "-o", "%d.png"], in: folder.url)
      try succeed(Self.small.dropLast() + ["6"] + options + ["-o", "again.png"], in: folder.url)
      #expect(try folder.bytes("again.png") == folder.bytes("1.png"))
      #expect(try folder.bytes("0.png") != folder.bytes("1.png"))
      let record = try #require(try folder.record("0.png"))
      #expect(record.edit == .init(image: "picture.png", strength: 0.6))
      #expect(record.parameters.contains(", Image: picture.png, Denoising strength: 0.6, "))
    }
  }

  /// T = 10: sampling starts at round(0.2 T) = 2, and can't take more steps than that.
  @Test func stepsAreThoseThatAreLeft() throws {
    try withEditFolder { folder in
      let options = ["--sampler", "ancestral", "--strength", "0.2", "-o", "x.png"]
      try succeed(Self.small + options, in: folder.url)
      #expect(try folder.record("x.png")?.steps == 2)
      try fail(
        Self.small + options + ["--steps", "3"], status: 1,
        message: "steps must lie in 1…2 for ancestral sampling with 2 timesteps, found 3", in: folder.url)
    }
  }
}
