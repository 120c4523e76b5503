import Tensor
import Transformer
import VQDiffusion
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

extension NetworkCondition {
  /// A random row of the class table, "no class" included, or random text vectors, uniform in −1…1.
  static func random(_ index: Int, for facts: NetworkFacts, seed: UInt64) -> NetworkCondition {
    let random = RandomIntegers(seed: seed)
    switch facts.conditioning {
    case .none: return .none
    case .classes: return .index(random.draw(index, purpose: 3, below: facts.classRows))
    case .text(let length, let width):
      let count = length * width
      let values = (0..<count).map { Float(random.draw(index * count + $0, purpose: 6, below: 1 << 16)) / 32768 - 1 }
      return .text(TextVectors(FloatTensor(values, shape: [length, width])))
    }
  }
}

extension NetworkInput {
  /// Random tokens (half of them masks), timesteps, and classes or texts.
  package static func random(for facts: NetworkFacts, batch: Int, seed: UInt64) -> NetworkInput {
    let random = RandomIntegers(seed: seed)
    let tokens = (0..<batch * facts.length).map { place in
      Int32(random.draw(place, purpose: 1, below: 2) == 0 ? random.draw(place, purpose: 0, below: facts.codes) : facts.codes)
    }
    return NetworkInput(
      tokens: tokens, timesteps: (0..<batch).map { random.draw($0, purpose: 2, below: facts.timesteps ?? 1) },
      conditions: (0..<batch).map { .random($0, for: facts, seed: seed) })
  }
}

/// A random batch to train a denoiser on: random input, and random codes to predict.
package struct RandomTrainingBatch: Sendable {
  /// x_t, B × L, in 0…K
  package let tokens: [Int32]
  package let timesteps: [Int]
  /// Rows of the class table; empty for a model without classes.
  package let classes: [Int]
  /// x_0, B × L, in 0..<K
  package let targets: [Int32]

  package init(for facts: NetworkFacts, batch: Int, seed: UInt64) {
    let input = NetworkInput.random(for: facts, batch: batch, seed: seed)
    (tokens, timesteps) = (input.tokens, input.timesteps)
    classes = input.conditions.compactMap { if case .index(let row) = $0 { row } else { nil } }
    let random = RandomIntegers(seed: seed)
    targets = tokens.indices.map { Int32(random.draw($0, purpose: 7, below: facts.codes)) }
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
  /// Images of uniformly drawn codes that can be decoded.
  package func randomTokens(images: Int, seed: UInt64) -> ImageTokens {
    let random = RandomIntegers(seed: seed)
    let known = tokenizer.facts.decodableCodes
    let tokens = (0..<images * layout.count).map { place -> Int32 in
      let draw = random.draw(place, purpose: 4, below: known?.count ?? codes)
      return known?[draw] ?? Int32(draw)
    }
    return ImageTokens(tokens, layout: layout)
  }

  /// Images of uniform noise [B, H, W, 3] in 0…1, of the size that the model generates.
  package func randomImages(_ count: Int, seed: UInt64) -> FloatTensor {
    .randomImages(count, height: imageSize.height, width: imageSize.width, in: 0...1, seed: seed)
  }
}
