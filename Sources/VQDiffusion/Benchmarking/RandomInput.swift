import Tensor
import Transformer
import VQVAE

// Input for benchmarks: no multiplication of zeros, nothing that a cache of results could know.

/// Numbers that follow from a seed, an index and what they are for.
private struct RandomIntegers {
  let philox: Philox

  init(seed: UInt64) { philox = Philox(seed: seed) }

  func draw(_ index: Int, purpose: UInt32, below limit: Int) -> Int {
    Int(philox.words(SIMD4(UInt32(truncatingIfNeeded: index), purpose, 0, 0))[0]) % limit
  }
}

/// What the denoiser is asked once: random tokens (half of them masks), timesteps and classes.
package struct RandomDenoiserInput: Sendable {
  let tokens: [Int32]
  let timesteps: [Int]
  let conditions: [DenoiserCondition]

  package init(for configuration: DenoiserConfiguration, batch: Int, seed: UInt64) {
    let random = RandomIntegers(seed: seed)
    let codes = configuration.codebookSize
    tokens = (0..<batch * configuration.sequenceLength).map { place in
      Int32(random.draw(place, purpose: 1, below: 2) == 0 ? random.draw(place, purpose: 0, below: codes) : codes)
    }
    timesteps = (0..<batch).map { random.draw($0, purpose: 2, below: configuration.timesteps) }
    conditions = (0..<batch).map { row in
      configuration.classRows.map { .index(random.draw(row, purpose: 3, below: $0)) } ?? .none
    }
  }

  /// All L logits of each sequence: [B, L, K].
  package func logits(by denoiser: DenoisingTransformer) throws -> FloatTensor {
    try denoiser.logits(tokens: tokens, timesteps: timesteps, conditions: conditions)
  }
}

extension ImageCodec {
  /// Grids of uniformly drawn codes that the codebook knows.
  package func randomTokens(images: Int, seed: UInt64) -> TokenGrid {
    let random = RandomIntegers(seed: seed)
    let known = vqModel.codebookMap.map { map in map.full.indices.filter { map.full[$0] >= 0 }.map { Int32($0) } }
    let tokens = (0..<images * rows * columns).map { place -> Int32 in
      let draw = random.draw(place, purpose: 4, below: known?.count ?? vqModel.codes)
      return known?[draw] ?? Int32(draw)
    }
    return TokenGrid(tokens: tokens, height: rows, width: columns)
  }

  /// Images of uniform noise [B, H, W, 3] in 0…1, of the size that the denoiser's grid has.
  package func randomImages(_ count: Int, seed: UInt64) -> FloatTensor {
    let random = RandomIntegers(seed: seed)
    let shape = [count, rows * pixelsPerToken, columns * pixelsPerToken, 3]
    return FloatTensor(uninitialized: shape) { target in
      for place in 0..<shape.reduce(1, *) { target[place] = Float(random.draw(place, purpose: 5, below: 256)) / 255 }
    }
  }
}
