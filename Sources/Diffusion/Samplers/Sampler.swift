import Foundation
import Tensor

/// A rule that leads one image from noise to tokens, one evaluation of the network after another.
package protocol Sampler: Sendable {
  var plan: SamplingPlan { get }
  /// Evaluations of the network per image.
  var evaluations: Int { get }
  /// Whether `advance` reads the prediction at masked positions only.
  var readsMaskedOnly: Bool { get }
  /// Whether the number of masks at the start is fixed, so that noising an image masks exactly `plan.masks` tokens.
  var countsMasks: Bool { get }
  /// Whether every step draws the codes anew, which corrects tokens that the corruption replaced. Other samplers keep codes:
  /// they start from masks or, with a given image, from its own codes and masks.
  var redrawsCodes: Bool { get }

  /// The network's timestep index (from 0) for the next evaluation; nil when the image is finished.
  func timestep(of state: SamplingState) -> Int?

  /// Takes a step with `prediction`, the evaluation at `timestep(of:)`.
  func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource)
}

/// A sampler that starts from masks and reveals a given number of them per evaluation. Revealed tokens stay.
package protocol MaskCountingSampler: Sampler {}

extension MaskCountingSampler {
  package var readsMaskedOnly: Bool { true }
  package var countsMasks: Bool { true }

  package func timestep(of state: SamplingState) -> Int? {
    state.evaluations < evaluations ? timestepByMaskCount(state) : nil
  }
}

extension Sampler {
  package var corruption: any Corruption { plan.corruption }
  /// L
  package var length: Int { plan.length }
  package var readsMaskedOnly: Bool { false }
  package var countsMasks: Bool { false }
  package var redrawsCodes: Bool { false }

  func isMask(_ token: Int32) -> Bool { Int(token) == corruption.codes }

  /// Network index of the time whose share of masks is nearest to the state's (Algorithms 1 and 2, line "t ← argmin").
  func timestepByMaskCount(_ state: SamplingState) -> Int {
    let masks = state.tokens.reduce(0) { $0 + (isMask($1) ? 1 : 0) }
    return corruption.nearestTime(maskFraction: Double(masks) / Double(length)) - 1
  }

  /// Gives each of `positions` a code drawn from p(x_0)^exponent(position).
  func reveal(
    _ positions: [Int], of state: inout SamplingState, prediction: Prediction, noise: some NoiseSource,
    exponent: (Int) -> Float
  ) {
    for position in positions {
      let exponent = exponent(position)
      let row =
        exponent == 1
        ? prediction.probabilities(at: position) : prediction.sharpenedProbabilities(at: position, exponent: exponent)
      let law = UnsafeBufferPointer(start: row, count: corruption.codes)
      state.tokens[position] = Int32(noise.categorical(law, key: state.key(.token, position: position)))
    }
  }

  /// Gives a position a code drawn from p(x_0).
  ///
  /// - Returns: ψ, the probability p / Σ p with which the code was drawn.
  func reveal(_ position: Int, of state: inout SamplingState, prediction: Prediction, noise: some NoiseSource) -> Float {
    let row = prediction.probabilities(at: position)
    let law = UnsafeBufferPointer(start: row, count: corruption.codes)
    let code = noise.categorical(law, key: state.key(.token, position: position))
    state.tokens[position] = Int32(code)
    return prediction.isNormalized ? row[code] : Float(Double(row[code]) / RowMath.sum(row, count: corruption.codes))
  }

  /// Draws every position anew from the posterior of x_s. Known tokens stay with corruptions that mask. With others they are
  /// drawn from q(x_s | x_0), so that the network sees them as noisy as the other tokens.
  ///
  /// - Parameter s: the time that the posterior leads to.
  func redraw(
    _ state: inout SamplingState, posterior: Posterior, to s: Int, prediction: Prediction, noise: some NoiseSource
  ) {
    for position in 0..<length {
      if let code = state.known?.codes[position] {
        guard !corruption.hasMasks else { continue }
        corruption.writeCorruption(of: code, at: s, into: prediction.law)
      } else {
        posterior.write(
          token: state.tokens[position], probabilities: prediction.probabilities(at: position), into: prediction.law)
      }
      let key = state.key(.token, position: position)
      state.tokens[position] = Int32(noise.categorical(UnsafeBufferPointer(prediction.law), key: key))
    }
  }

  /// Chooses `count` positions without replacement, each next one with probability proportional to its score, and returns them
  /// in that order. Positions with score 0 are never chosen.
  ///
  /// The draw is a race: position i arrives after an exponential time −log(u_i) / score_i. The first arrivals have the law of
  /// successive draws without replacement.
  ///
  /// - Parameter purpose: purpose of the uniform numbers u_i. Independent draws of one step need different purposes.
  package func choose(
    _ count: Int, scores: [Float], of state: SamplingState, noise: some NoiseSource, purpose: DrawKey.Purpose = .order
  ) -> [Int] {
    let speeds = scores.indices.compactMap { position -> (Int, Double)? in
      guard scores[position] > 0 else { return nil }
      return (position, Double(scores[position]) / -log(noise.uniform(state.key(purpose, position: position))))
    }
    return speeds.sorted { ($0.1, $1.0) > ($1.1, $0.0) }.prefix(count).map(\.0)
  }
}
