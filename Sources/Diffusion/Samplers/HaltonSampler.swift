import Foundation

/// Sampling in the order of the Halton sequence (Besnier et al. 2025, "Halton Scheduler for Masked Generative Image Transformer"): each
/// evaluation reveals the next positions of a fixed order that spreads them evenly over the image, so that tokens drawn together
/// depend little on each other. After step i of N, M (2/π) arccos(i/N) of M masks are left.
///
/// Cell i of the order is (⌊Φ_2(i) H⌋, ⌊Φ_3(i) W⌋), Φ_b being the radical inverse in base b; cells that came before are skipped. Each
/// image begins at a random place of the order and goes round.
package struct HaltonSampler: MaskCountingSampler {
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
      let row = scaledInverse(i, base: 2, by: shape.rows)
      let column = scaledInverse(i, base: 3, by: shape.columns)
      let position = row * shape.columns + column
      if !isTaken[position] { order.append(position) }
      isTaken[position] = true
      i += 1
    }
    return order
  }

  /// ⌊Φ_b(i) · side⌋, Φ_b(i) being the digits of i in base b, mirrored behind the point. In whole numbers, because rounding would put
  /// cells of sides like 9 or 27 on the wrong side of a border.
  package static func scaledInverse(_ i: Int, base: Int, by side: Int) -> Int {
    var (rest, numerator, denominator) = (i, 0, 1)
    while rest > 0 {
      numerator = numerator * base + rest % base
      denominator *= base
      rest /= base
    }
    return numerator * side / denominator
  }
}
