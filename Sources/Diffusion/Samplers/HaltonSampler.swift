import Foundation

/// Sampling in the order of the Halton sequence (Besnier et al. 2025, "Halton Scheduler for Masked Generative Image
/// Transformer"). Each evaluation reveals the next positions of a fixed order that spreads them evenly over the image, so that
/// tokens drawn together depend little on each other. After step i of N, ⌊M (2/π) arccos(i/N)⌋ of M masks are left.
///
/// Cell i of the order is (⌊Φ_2(i) H⌋, ⌊Φ_3(i) W⌋), where Φ_b is the radical inverse in base b; repeated cells are skipped.
/// Each image starts at a random place of the order and wraps around.
package struct HaltonSampler: MaskCountingSampler {
  package let plan: SamplingPlan
  private let order: [Int]
  private let quotas: [Int]

  /// - Parameter plan: 1…L steps, of tokens in a grid.
  /// - Throws: `needsMasks`, `needsGrid`, `steps`.
  package init(_ plan: SamplingPlan) throws(DiffusionError) {
    try plan.checkMasks(for: .halton)
    let grid = try plan.grid(for: .halton)
    try plan.checkSteps(upToLengthFor: .halton)
    self.plan = plan
    order = Self.order(rows: grid.rows, columns: grid.columns)
    quotas = Quotas.leaving(plan) { 2 / .pi * acos($0) }.filter { $0 > 0 }
  }

  package var evaluations: Int { quotas.count }

  package func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource) {
    // The step isn't part of the key: the place stays the same throughout the image.
    let roll = noise.uniform(DrawKey(.roll, image: state.image, step: 0, position: 0))
    let first = min(Int(roll * Double(length)), length - 1)
    let rolled = order[first...] + order[..<first]
    let chosen = rolled.filter { isMask(state.tokens[$0]) }.prefix(quotas[state.evaluations])
    reveal(Array(chosen), of: &state, prediction: prediction, noise: noise) { _ in 1 }
    state.evaluations += 1
  }

  /// All positions of a grid, numbered row by row, in Halton's order.
  package static func order(rows: Int, columns: Int) -> [Int] {
    var order: [Int] = []
    var isTaken = Array(repeating: false, count: rows * columns)
    var i = 0
    while order.count < isTaken.count {
      let row = scaledInverse(i, base: 2, by: rows)
      let column = scaledInverse(i, base: 3, by: columns)
      let position = row * columns + column
      if !isTaken[position] { order.append(position) }
      isTaken[position] = true
      i += 1
    }
    return order
  }

  /// ⌊Φ_b(i) · side⌋, where Φ_b(i) is i in base b with its digits mirrored at the point. Computed in whole numbers: rounding
  /// would put cells of sides like 9 or 27 on the wrong side of a border.
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
