import Foundation

/// A rule for going from noise to tokens, one evaluation of the network after another. Images don't know of each other.
package protocol Sampler: Sendable {
  var plan: SamplingPlan { get }
  /// Evaluations of the network that an image takes.
  var evaluations: Int { get }
  /// Whether `advance` reads the prediction at masked positions only.
  var readsMaskedOnly: Bool { get }
  /// Whether the number of masks at the start is fixed (`plan.masks`), so that noising an image masks exactly so many.
  var countsMasks: Bool { get }
  /// Whether every step draws the codes anew, so that tokens which the kernel replaced are corrected. Other samplers keep codes: they
  /// start from masks and, of a given image, from its own codes.
  var redrawsCodes: Bool { get }

  /// The network's timestep index (from 0) for the next evaluation; nil when the image is finished.
  func timestep(of state: SamplingState) -> Int?

  /// Takes the step that `prediction`, the evaluation at `timestep(of:)`, allows.
  func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource)
}

/// A sampler that starts from masks and reveals a certain number of them at each evaluation; what is revealed stays.
package protocol MaskCountingSampler: Sampler {}

extension MaskCountingSampler {
  package var readsMaskedOnly: Bool { true }
  package var countsMasks: Bool { true }

  package func timestep(of state: SamplingState) -> Int? {
    state.evaluations < evaluations ? timestepByMaskCount(state) : nil
  }
}

extension Sampler {
  package var kernel: any CorruptionKernel { plan.kernel }
  /// L
  package var length: Int { plan.length }
  package var readsMaskedOnly: Bool { false }
  package var countsMasks: Bool { false }
  package var redrawsCodes: Bool { false }

  func isMask(_ token: Int32) -> Bool { Int(token) == kernel.codes }

  /// Network index of the time whose share of masks is the state's (Algorithms 1 and 2, line "t ← argmin").
  func timestepByMaskCount(_ state: SamplingState) -> Int {
    let masks = state.tokens.reduce(0) { $0 + (isMask($1) ? 1 : 0) }
    return kernel.nearestTime(maskFraction: Double(masks) / Double(length)) - 1
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
      let weights = UnsafeBufferPointer(start: row, count: kernel.codes)
      state.tokens[position] = Int32(noise.categorical(weights, key: state.key(.token, position: position)))
    }
  }

  /// Draws every position anew from the posterior of x_s. Known tokens stay what they are or, where tokens are only replaced, are drawn
  /// from q(x_s | x_0), so that the network sees them as noisy as the others.
  ///
  /// - Parameter s: the time that the posterior leads to.
  func redraw(
    _ state: inout SamplingState, posterior: Posterior, to s: Int, prediction: Prediction, noise: some NoiseSource
  ) {
    for position in 0..<length {
      if let code = state.known?.codes[position] {
        guard !kernel.hasMasks else { continue }
        kernel.writeCorruption(of: code, at: s, into: prediction.weights)
      } else {
        posterior.write(
          token: state.tokens[position], probabilities: prediction.probabilities(at: position), into: prediction.weights)
      }
      let key = state.key(.token, position: position)
      state.tokens[position] = Int32(noise.categorical(UnsafeBufferPointer(prediction.weights), key: key))
    }
  }

  /// `count` positions chosen without replacement, each next one with probability proportional to its score, in that order.
  /// Positions with score 0 are never chosen.
  ///
  /// The race: position i arrives after an exponential time −log(u_i) / score_i; the first arrivals have the law of
  /// successive draws without replacement.
  ///
  /// - Parameter purpose: names the uniform numbers u_i; draws of one step that must not depend on each other need different ones.
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
