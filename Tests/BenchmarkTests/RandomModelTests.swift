import BenchmarkKit
import Tensor
import Testing
import Transformer
import VQDiffusion
import VQVAE

@Suite struct RandomModelTests {
  @Test func denoiserGivesFiniteLogitsThatDependOnItsInput() throws {
    let denoiser = try RandomArchitecture.cifar.denoiser(options: ComputeOptions())
    let logits = try (0..<2).map { try denoiser.logits(.random(for: denoiser.facts, batch: 3, seed: $0)) }
    #expect(logits[0].shape == [3, 64, 512])
    #expect(logits[0].values.allSatisfy { $0.isFinite })
    #expect(logits[0].values != logits[1].values)
    let spread = logits[0].values.map(abs).max() ?? 0
    #expect(spread > 0.1 && spread < 1000)
  }

  @Test func codecTakesItsOwnRandomInput() throws {
    let codec = try BenchmarkModel("cifar-random").codec(options: ComputeOptions())
    let images = try codec.tokenizer.decode(codec.randomTokens(images: 2, seed: 1))
    #expect(images.shape == [2, 32, 32, 3])
    #expect(Set(images.values).count > 1000)
    let tokens = try codec.tokenizer.encode(codec.randomImages(2, seed: 1))
    #expect(tokens.count == 2 && tokens.tokens.count == 128)
  }

  @Test func configurationsAreValid() throws {
    for architecture in RandomArchitecture.allCases {
      try architecture.network().validate()
      try architecture.tokenizer().validate()
    }
  }
}
