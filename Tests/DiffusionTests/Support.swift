import Diffusion
import Foundation
import Synchronization
import Tensor

/// The released schedule's straight lines with ends that replace and mask a lot, so that no term of a formula is negligible.
func strongSchedule(timesteps: Int, codes: Int) throws -> MaskAndReplaceCorruption {
  try MaskAndReplaceCorruption(
    timesteps: timesteps, codes: codes, alpha1: 0.9, alphaT: 0.1, gamma1: 0.05, gammaT: 0.6)
}

extension TokenLayout {
  /// A grid of one row, for samplers that need a grid.
  static func row(_ length: Int) -> TokenLayout { .grid(rows: 1, columns: length) }
}

extension SamplingLoop {
  /// A loop with the usual settings but for the truncation; the sampler and guidance state theirs themselves.
  init(
    denoiser: D, sampler: any Sampler, guidance: Guidance<D.Condition>?, truncation: Truncation = .none,
    options: SamplingOptions = SamplingOptions(), noise: Noise
  ) throws(DiffusionError) {
    let settings = SamplingSettings(method: .ancestral, steps: sampler.plan.steps, truncation: truncation)
    try self.init(
      denoiser: denoiser, sampler: sampler, guidance: guidance, settings: settings, options: options, noise: noise)
  }
}

/// Seeded uniform numbers in a row.
struct Uniforms {
  private let philox: Philox
  private var count: UInt32 = 0

  init(seed: UInt64) { philox = Philox(seed: seed) }

  mutating func next() -> Double {
    count += 1
    return philox.uniform(SIMD4(count, 0, 0, 77))
  }

  /// Probabilities that sum to 1; a larger sharpness makes them less even.
  mutating func distribution(_ count: Int, sharpness: Double = 3) -> [Double] {
    let masses = (0..<count).map { _ in exp(sharpness * (2 * next() - 1)) }
    let total = masses.reduce(0, +)
    return masses.map { $0 / total }
  }
}

/// Whether counts could come from a law: chi-squared no further above its mean than happens once in some ten thousand times.
/// With fixed seeds the outcome never changes.
func isPlausible(_ counts: [Int], law: [Double]) -> Bool {
  let total = Double(counts.reduce(0, +))
  let freedom = Double(law.filter { $0 > 0 }.count - 1)
  let statistic = zip(counts, law).reduce(0.0) { sum, pair in
    let expected = pair.1 * total
    guard expected > 0 else { return pair.0 == 0 ? sum : .infinity }
    return sum + (Double(pair.0) - expected) * (Double(pair.0) - expected) / expected
  }
  return statistic <= freedom + 5 * (2 * freedom).squareRoot() + 5
}

/// A denoiser whose logits are some function of all tokens, the timestep (if it reads it) and the condition. It records its
/// calls.
final class ToyDenoiser: Denoiser {
  struct Call: Sendable {
    var tokens: [Int32]
    var timesteps: [Int]
    var conditions: [Int]
  }

  let codes: Int
  let readsTimestep: Bool
  let calls = Mutex<[Call]>([])

  init(codes: Int, readsTimestep: Bool = true) { (self.codes, self.readsTimestep) = (codes, readsTimestep) }

  func logits(tokens: [Int32], length: Int, timesteps: [Int], conditions: [Int]) throws -> FloatTensor {
    calls.withLock { $0.append(Call(tokens: tokens, timesteps: timesteps, conditions: conditions)) }
    return FloatTensor(uninitialized: [timesteps.count, length, codes]) { logits in
      for row in timesteps.indices {
        let own = tokens[row * length..<(row + 1) * length]
        let timestep = readsTimestep ? timesteps[row] : 0
        let seed = own.reduce(UInt64(bitPattern: Int64(timestep * 1000 + conditions[row]))) { $0 &* 31 &+ UInt64($1) }
        var uniforms = Uniforms(seed: seed)
        for i in 0..<length * codes { logits[row * length * codes + i] = Float(4 * uniforms.next()) }
      }
    }
  }
}

/// Logits that are the same wherever they are asked for.
struct ConstantDenoiser: Denoiser {
  var codes: Int
  var logits: FloatTensor

  func logits(tokens: [Int32], length: Int, timesteps: [Int], conditions: [Int]) throws -> FloatTensor { logits }
}
