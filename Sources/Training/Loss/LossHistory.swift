import Foundation

/// Running means of the squared loss of each timestep, from which timesteps are drawn by importance (Nichol and Dhariwal 2021,
/// "Improved Denoising Diffusion Probabilistic Models", Eq. 18, with the public VQ-Diffusion code's constants).
///
///     p_t ∝ √(E[L_t²] + 1e-10) + 1e-4        the first timestep, a decoder term, having the second's
///
/// p_t = 1/T until every timestep was drawn more than ten times.
package struct LossHistory: Sendable, Equatable {
  /// E[L_t²] by timestep, 0…T − 1.
  package private(set) var squares: [Double]
  /// How often each timestep was drawn.
  package private(set) var counts: [Int]

  private static let draws = 10

  /// Nothing drawn yet.
  package init(timesteps: Int) {
    (squares, counts) = (Array(repeating: 0, count: timesteps), Array(repeating: 0, count: timesteps))
  }

  /// A history that was saved.
  ///
  /// - Throws: `LossError.shape`, `number`.
  package init(squares: [Double], counts: [Int]) throws(LossError) {
    guard squares.count == counts.count, squares.count > 1 else {
      throw .shape(of: "the history's counts", expected: [squares.count], found: [counts.count])
    }
    for square in squares where !(square >= 0 && square.isFinite) {
      throw .number(name: "a mean squared loss", allowed: "[0, infinity)", found: square)
    }
    for count in counts where count < 0 {
      throw .number(name: "a count of draws", allowed: "[0, infinity)", found: Double(count))
    }
    (self.squares, self.counts) = (squares, counts)
  }

  /// Takes in the samples of a batch, one after the other: E ← 0.9 E + 0.1 L².
  ///
  /// - Parameter losses: L_{t−1} of each sample (`LossTerms.main`).
  package mutating func record(_ losses: [Double], timesteps: [Int]) {
    precondition(losses.count == timesteps.count, "\(losses.count) losses of \(timesteps.count) timesteps")
    for (loss, t) in zip(losses, timesteps) {
      squares[t] = 0.1 * loss * loss + 0.9 * squares[t]
      counts[t] += 1
    }
  }

  /// p_t, T values that sum to 1.
  package var probabilities: [Double] {
    guard counts.allSatisfy({ $0 > Self.draws }) else { return uniform }
    return importance
  }

  /// p_t as it is once every timestep was drawn often enough.
  package var importance: [Double] {
    var weights = squares.map { ($0 + 1e-10).squareRoot() + 1e-4 }
    weights[0] = weights[1]
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }

  private var uniform: [Double] { Array(repeating: 1 / Double(counts.count), count: counts.count) }

  /// The timestep that a uniform number in (0, 1) falls on, and its probability.
  package func timestep(at uniform: Double) -> (timestep: Int, probability: Double) {
    let probabilities = probabilities
    var rest = uniform
    for (t, p) in probabilities.enumerated() {
      if rest < p { return (t, p) }
      rest -= p
    }
    return (probabilities.count - 1, probabilities[probabilities.count - 1])
  }
}
