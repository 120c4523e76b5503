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

extension DenoiserCondition {
  /// A random row of the class table, "no class" included, or random text vectors, uniform in −1…1.
  static func random(_ index: Int, for configuration: DenoiserConfiguration, seed: UInt64) -> DenoiserCondition {
    let random = RandomIntegers(seed: seed)
    switch configuration.kind {
    case .classConditional: return .index(random.draw(index, purpose: 3, below: configuration.classRows ?? 1))
    case .text:
      let shape = [configuration.textLength ?? 0, configuration.textWidth ?? 0]
      let count = shape.reduce(1, *)
      let values = (0..<count).map { Float(random.draw(index * count + $0, purpose: 6, below: 1 << 16)) / 32768 - 1 }
      return .text(TextVectors(FloatTensor(values, shape: shape)))
    case .unconditional: return .none
    }
  }
}

/// What the denoiser is asked once: random tokens (half of them masks), timesteps, and classes or texts.
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
    conditions = (0..<batch).map { .random($0, for: configuration, seed: seed) }
  }

  /// All L logits of each sequence: [B, L, K].
  package func logits(by denoiser: DenoisingTransformer) throws -> FloatTensor {
    try denoiser.logits(tokens: tokens, timesteps: timesteps, conditions: conditions)
  }
}

/// What the denoiser is trained on once: random input, and random codes to predict.
package struct RandomTrainingBatch: Sendable {
  /// x_t, B × L, in 0…K
  package let tokens: [Int32]
  package let timesteps: [Int]
  /// Rows of the class table; empty for a model without classes.
  package let classes: [Int]
  /// x_0, B × L, in 0..<K
  package let targets: [Int32]

  package init(for configuration: DenoiserConfiguration, batch: Int, seed: UInt64) {
    let input = RandomDenoiserInput(for: configuration, batch: batch, seed: seed)
    (tokens, timesteps) = (input.tokens, input.timesteps)
    classes = input.conditions.compactMap { if case .index(let row) = $0 { row } else { nil } }
    let random = RandomIntegers(seed: seed)
    targets = tokens.indices.map { Int32(random.draw($0, purpose: 7, below: configuration.codebookSize)) }
  }
}

extension FloatTensor {
  /// Images of uniform noise [B, H, W, 3] in 256 steps from one value to another.
  package static func randomImages(
    _ count: Int, height: Int, width: Int, in range: ClosedRange<Float>, seed: UInt64
  ) -> FloatTensor {
    let random = RandomIntegers(seed: seed)
    let shape = [count, height, width, 3]
    let span = range.upperBound - range.lowerBound
    return FloatTensor(uninitialized: shape) { target in
      for place in 0..<shape.reduce(1, *) {
        target[place] = range.lowerBound + span * (Float(random.draw(place, purpose: 5, below: 256)) / 255)
      }
    }
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
    .randomImages(count, height: rows * pixelsPerToken, width: columns * pixelsPerToken, in: 0...1, seed: seed)
  }
}
