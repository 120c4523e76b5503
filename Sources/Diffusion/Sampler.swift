import Foundation

/// One image on its way from noise to tokens.
package struct SamplingState: Sendable {
  /// L tokens in 0…K, K being the mask.
  package var tokens: [Int32]
  /// Names the image's random numbers.
  package var image: Int
  /// Evaluations of the network so far.
  package var evaluations: Int

  package init(tokens: [Int32], image: Int, evaluations: Int = 0) {
    self.tokens = tokens
    self.image = image
    self.evaluations = evaluations
  }

  package func key(_ purpose: DrawKey.Purpose, position: Int) -> DrawKey {
    DrawKey(purpose, image: image, step: evaluations, position: position)
  }
}

/// A rule for going from masks to tokens, one evaluation of the network after another. Images don't know of each other.
package protocol Sampler: Sendable {
  var schedule: MaskAndReplaceSchedule { get }
  /// L, the number of tokens of an image.
  var length: Int { get }
  /// Evaluations of the network that an image takes.
  var evaluations: Int { get }

  /// The network's timestep index (from 0) for the next evaluation; nil when the image is finished.
  func timestep(of state: SamplingState) -> Int?

  /// Takes the step that `prediction`, the evaluation at `timestep(of:)`, allows.
  func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource)
}

extension Sampler {
  /// x_T: masks everywhere.
  package func initialState(image: Int) -> SamplingState {
    SamplingState(tokens: Array(repeating: Int32(schedule.codes), count: length), image: image)
  }

  func isMask(_ token: Int32) -> Bool { Int(token) == schedule.codes }

  /// Network index of the time whose share of masks is the state's (Algorithms 1 and 2, line "t ← argmin").
  func timestepByMaskCount(_ state: SamplingState) -> Int {
    let masks = state.tokens.reduce(0) { $0 + (isMask($1) ? 1 : 0) }
    return schedule.nearestTime(maskFraction: Double(masks) / Double(length)) - 1
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
      let weights = UnsafeBufferPointer(start: row, count: schedule.codes)
      state.tokens[position] = Int32(noise.categorical(weights, key: state.key(.token, position: position)))
    }
  }

  /// Draws every position anew from the posterior.
  func redraw(
    _ state: inout SamplingState, posterior: Posterior, prediction: Prediction, noise: some NoiseSource
  ) {
    for position in 0..<length {
      posterior.write(
        token: state.tokens[position], probabilities: prediction.probabilities(at: position), into: prediction.weights)
      let key = state.key(.token, position: position)
      state.tokens[position] = Int32(noise.categorical(UnsafeBufferPointer(prediction.weights), key: key))
    }
  }

  /// `count` positions chosen without replacement, each next one with probability proportional to its score, in that order.
  /// Positions with score 0 are never chosen.
  ///
  /// The race: position i arrives after an exponential time −log(u_i) / score_i; the first arrivals have the law of
  /// successive draws without replacement.
  package func choose(
    _ count: Int, scores: [Float], of state: SamplingState, noise: some NoiseSource
  ) -> [Int] {
    let speeds = scores.indices.compactMap { position -> (Int, Double)? in
      guard scores[position] > 0 else { return nil }
      return (position, Double(scores[position]) / -log(noise.uniform(state.key(.order, position: position))))
    }
    return speeds.sorted { ($0.1, $1.0) > ($1.1, $0.0) }.prefix(count).map(\.0)
  }
}
