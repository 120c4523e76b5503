import Foundation

/// Sampling in the order of the Halton sequence (Besnier et al. 2025, "Halton Scheduler for Masked Generative Image Transformer"): each
/// evaluation reveals the next positions of a fixed order that spreads them evenly over the image, so that tokens drawn together
/// depend little on each other. After step i of N, M (2/π) arccos(i/N) of M masks are left.
///
/// Cell i of the order is (⌊Φ_2(i) H⌋, ⌊Φ_3(i) W⌋), Φ_b being the radical inverse in base b; cells that came before are skipped. Each
/// image begins at a random place of the order and goes round.
package struct HaltonSampler: Sampler {
  package let plan: SamplingPlan
  private let order: [Int]
  private let quotas: [Int]

  /// - Parameter plan: 1…L steps.
  /// - Throws: `needsMasks`, `steps`.
  package init(_ plan: SamplingPlan) throws(DiffusionError) {
    try plan.checkSteps(upToLengthFor: .halton)
    self.plan = plan
    order = Self.order(plan.shape)
    quotas = Quotas.leaving(plan) { 2 / .pi * acos($0) }.filter { $0 > 0 }
  }

  package var evaluations: Int { quotas.count }
  package var readsMaskedOnly: Bool { true }
  package var countsMasks: Bool { true }

  package func timestep(of state: SamplingState) -> Int? {
    state.evaluations < evaluations ? timestepByMaskCount(state) : nil
  }

  package func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource) {
    // The same at every step of the image.
    let roll = noise.uniform(DrawKey(.roll, image: state.image, step: 0, position: 0))
    let first = min(Int(roll * Double(length)), length - 1)
    let rolled = order[first...] + order[..<first]
    let chosen = rolled.filter { isMask(state.tokens[$0]) }.prefix(quotas[state.evaluations])
    reveal(Array(chosen), of: &state, prediction: prediction, noise: noise) { _ in 1 }
    state.evaluations += 1
  }

  /// All positions of the grid, row by row numbered, in Halton's order.
  package static func order(_ shape: GridShape) -> [Int] {
    var order: [Int] = []
    var isTaken = Array(repeating: false, count: shape.count)
    var i = 0
    while order.count < shape.count {
      let row = Int(radicalInverse(i, base: 2) * Double(shape.rows))
      let column = Int(radicalInverse(i, base: 3) * Double(shape.columns))
      let position = row * shape.columns + column
      if !isTaken[position] { order.append(position) }
      isTaken[position] = true
      i += 1
    }
    return order
  }

  /// Φ_b(i): the digits of i in base b, mirrored behind the point.
  package static func radicalInverse(_ i: Int, base: Int) -> Double {
    var (rest, factor, result) = (i, 1 / Double(base), 0.0)
    while rest > 0 {
      result += Double(rest % base) * factor
      rest /= base
      factor /= Double(base)
    }
    return result
  }
}
