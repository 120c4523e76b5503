/// Timesteps drawn where the loss is large (Nichol & Dhariwal 2021, "Improved Denoising Diffusion Probabilistic Models", Eq. 18).
///
/// Each timestep keeps a moving average of its squared loss, h_t ← 0.1 L_t² + 0.9 h_t. Draws are uniform until every timestep has been
/// drawn more than ten times; from then on p_t ∝ √(h_t + 10⁻¹⁰) + 10⁻⁴, where the first timestep's weight is the second's, because its
/// loss, a likelihood, isn't of the others' kind.
package struct TimestepImportance: Sendable, Codable, Equatable {
  /// A timestep and the probability of its draw, by which its loss is to be divided.
  package struct Draw: Sendable, Equatable {
    package let timestep: Int
    package let probability: Double
  }

  /// h_t, [T]
  package private(set) var history: [Float]
  /// How often each timestep was drawn, [T].
  package private(set) var counts: [Int]

  /// - Parameter timesteps: T ≥ 1
  package init(timesteps: Int) {
    precondition(timesteps >= 1, "\(timesteps) timesteps")
    history = Array(repeating: 0, count: timesteps)
    counts = Array(repeating: 0, count: timesteps)
  }

  /// A history that was kept before.
  ///
  /// - Throws: `TrainingError.state` unless there is a number ≥ 0 of each for every timestep.
  package init(history: [Float], counts: [Int]) throws(TrainingError) {
    guard !history.isEmpty, history.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
      throw .state(name: "the loss history", expected: "finite numbers of 0 or more", found: "\(history)")
    }
    guard counts.count == history.count, counts.allSatisfy({ $0 >= 0 }) else {
      throw .state(name: "the timesteps' counts", expected: "\(history.count) counts of 0 or more", found: "\(counts)")
    }
    (self.history, self.counts) = (history, counts)
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      history: container.decode([Float].self, forKey: .history), counts: container.decode([Int].self, forKey: .counts))
  }

  /// T
  package var timesteps: Int { history.count }

  /// Whether every timestep has been drawn often enough for its history to count.
  package var isWarm: Bool { counts.allSatisfy { $0 > 10 } }

  /// p_t by importance, whether or not draws are made by it yet; sums to 1.
  package var importance: [Double] {
    var weights = history.map { (Double($0) + 1e-10).squareRoot() + 1e-4 }
    if weights.count > 1 { weights[0] = weights[1] }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  /// The timesteps of a batch, independent of each other.
  ///
  /// - Parameter first: the number of the first draw in its iteration; a batch made in parts gets the same timesteps.
  package func draws(_ count: Int, noise: TrainingNoise, iteration: Int, first: Int = 0) -> [Draw] {
    let probabilities = isWarm ? importance : Array(repeating: 1 / Double(timesteps), count: timesteps)
    var sum = 0.0
    let cumulative = probabilities.map { probability in
      sum += probability
      return sum
    }
    return (0..<count).map { number in
      let uniform = noise.uniform(.timestep, iteration: iteration, number: first + number)
      let timestep = TrainingNoise.index(for: uniform, cumulative: cumulative) ?? 0
      return Draw(timestep: timestep, probability: probabilities[timestep])
    }
  }

  /// Takes the losses of a batch into the history, one after the other: of equal timesteps each counts.
  ///
  /// - Parameter losses: L_t of each timestep, not divided by its probability; one that isn't finite is counted but not averaged.
  package mutating func record(_ losses: [Float], at timesteps: [Int]) {
    precondition(losses.count == timesteps.count, "\(losses.count) losses at \(timesteps.count) timesteps")
    for (loss, timestep) in zip(losses, timesteps) {
      let updated = 0.1 * loss * loss + 0.9 * history[timestep]
      if updated.isFinite { history[timestep] = updated }
      counts[timestep] += 1
    }
  }
}
