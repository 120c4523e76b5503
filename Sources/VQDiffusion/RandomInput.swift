import Tensor
import Transformer
import VQVAE

// Input for benchmarks: no multiplication of zeros, nothing that a cache of results could know.
extension VQDiffusionPipeline {
  /// L, the tokens of a generated image.
  public var tokensPerImage: Int { transformer.configuration.sequenceLength }

  /// Grids of uniformly drawn codes.
  package func randomTokens(images: Int, seed: UInt64) -> TokenGrid {
    let (grid, philox) = (transformer.configuration.grid, Philox(seed: seed))
    let tokens = (0..<images * tokensPerImage).map { place in
      Int32(philox.words(SIMD4(UInt32(truncatingIfNeeded: place), 0, 0, 0))[0] % UInt32(vqModel.codes))
    }
    return TokenGrid(tokens: tokens, height: grid[0], width: grid[1])
  }

  /// One evaluation of the network, all logits, on random tokens (half of them masks), timesteps and classes.
  package func evaluateRandomTokens(batch: Int, seed: UInt64) throws {
    let configuration = transformer.configuration
    let philox = Philox(seed: seed)
    func random(_ index: Int, _ purpose: UInt32, below limit: Int) -> Int {
      Int(philox.words(SIMD4(UInt32(truncatingIfNeeded: index), purpose, 0, 0))[0]) % limit
    }
    let mask = Int32(configuration.codebookSize)
    let tokens = randomTokens(images: batch, seed: seed).tokens.enumerated().map { random($0, 1, below: 2) == 0 ? $1 : mask }
    _ = try transformer.logits(
      tokens: tokens, timesteps: (0..<batch).map { random($0, 2, below: configuration.timesteps) },
      conditions: (0..<batch).map { row in
        configuration.classRows.map { ClassCondition.index(random(row, 3, below: $0)) } ?? .none
      })
  }
}
