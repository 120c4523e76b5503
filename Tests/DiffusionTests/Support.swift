import Diffusion
import Foundation
import Synchronization
import Tensor

/// The released schedule's straight lines with ends that replace and mask a lot, so that no term of a formula is negligible.
func strongSchedule(timesteps: Int, codes: Int) throws -> MaskAndReplaceSchedule {
  try MaskAndReplaceSchedule(
    timesteps: timesteps, codes: codes, alpha1: 0.9, alphaT: 0.1, gamma1: 0.05, gammaT: 0.6)
}

/// The usual options but for some.
func options(truncation: Truncation = .none, reuses: Bool = true) -> SamplingOptions {
  var options = SamplingOptions()
  (options.truncation, options.reusesEvaluations) = (truncation, reuses)
  return options
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
    let weights = (0..<count).map { _ in exp(sharpness * (2 * next() - 1)) }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
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

/// A denoiser whose logits are some function of all tokens, the timestep and the condition; it notes what it was asked.
final class ToyDenoiser: Denoiser {
  struct Call: Sendable {
    var tokens: [Int32]
    var timesteps: [Int]
    var conditions: [Int]
  }

  let codes: Int
  let calls = Mutex<[Call]>([])

  init(codes: Int) { self.codes = codes }

  func logits(tokens: [Int32], length: Int, timesteps: [Int], conditions: [Int]) throws -> FloatTensor {
    calls.withLock { $0.append(Call(tokens: tokens, timesteps: timesteps, conditions: conditions)) }
    return FloatTensor(uninitialized: [timesteps.count, length, codes]) { logits in
      for row in timesteps.indices {
        let own = tokens[row * length..<(row + 1) * length]
        let seed = own.reduce(UInt64(bitPattern: Int64(timesteps[row] * 1000 + conditions[row]))) { $0 &* 31 &+ UInt64($1) }
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
