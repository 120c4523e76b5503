import TrainingCore

/// How parameters are changed, step by step.
public struct OptimizationSettings: Codable, Sendable, Equatable {
  /// How the learning rate goes.
  public enum Schedule: String, Codable, Sendable, CaseIterable {
    /// Linear warm-up, then half a cosine down to 0 at the last step.
    case cosine
    /// The same as the public VQ-Diffusion code computes it, whose warm-up of at least one step goes beyond `learning_rate` by its last
    /// addition: see `CosineSchedule`.
    case cosineReference = "cosine_reference"
    /// Linear warm-up, then a rate that is multiplied by `plateau_factor` whenever the loss hasn't fallen for `plateau_patience` steps.
    case plateau
    /// Linear warm-up, then the same rate for ever.
    case constant
  }

  /// Steps of the whole run.
  public var steps: Int
  /// Images of a batch.
  public var batch: Int
  /// Batches whose gradients make one step.
  public var accumulation: Int
  public var schedule: Schedule
  /// The highest learning rate.
  public var learningRate: Double
  /// Steps of the warm-up.
  public var warmUp: Int
  public var plateauFactor: Double
  public var plateauPatience: Int
  /// AdamW's β₁, β₂, ε and λ.
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Double
  public var weightDecay: Double
  /// Whether the decay spares norms, biases and tables: every parameter of fewer than two dimensions, and embeddings.
  public var decaysMatricesOnly: Bool
  /// The largest norm of all gradients together; 0 for no limit.
  public var clipNorm: Double
  /// The decay of the parameters' moving average, which is what a run's model holds; 0 for the last step's parameters.
  public var averageDecay: Double
  /// Of all randomness.
  public var seed: UInt64

  enum CodingKeys: String, CodingKey, CaseIterable {
    case steps, batch, accumulation, schedule, epsilon, seed, beta1, beta2
    case learningRate = "learning_rate"
    case warmUp = "warm_up"
    case plateauFactor = "plateau_factor"
    case plateauPatience = "plateau_patience"
    case weightDecay = "weight_decay"
    case decaysMatricesOnly = "decay_matrices_only"
    case clipNorm = "clip_norm"
    case averageDecay = "average_decay"
  }

  public init(
    steps: Int, batch: Int = 64, accumulation: Int = 1, schedule: Schedule = .cosine, learningRate: Double, warmUp: Int = 100,
    plateauFactor: Double = 0.5, plateauPatience: Int = 1000, beta1: Double = 0.9, beta2: Double = 0.96, epsilon: Double = 1e-8,
    weightDecay: Double = 0.045, decaysMatricesOnly: Bool = false, clipNorm: Double = 0.5, averageDecay: Double = 0.999,
    seed: UInt64 = 0
  ) {
    (self.steps, self.batch, self.accumulation, self.schedule) = (steps, batch, accumulation, schedule)
    (self.learningRate, self.warmUp) = (learningRate, warmUp)
    (self.plateauFactor, self.plateauPatience) = (plateauFactor, plateauPatience)
    (self.beta1, self.beta2, self.epsilon) = (beta1, beta2, epsilon)
    (self.weightDecay, self.decaysMatricesOnly, self.clipNorm) = (weightDecay, decaysMatricesOnly, clipNorm)
    (self.averageDecay, self.seed) = (averageDecay, seed)
  }

  /// - Throws: `TrainingError.setting`.
  func validate() throws(TrainingError) {
    try TrainingError.require("optimization.steps", Double(steps), "1 or more") { $0 >= 1 }
    try TrainingError.require("optimization.batch", Double(batch), "in 1...65536") { (1...65536).contains($0) }
    try TrainingError.require("optimization.accumulation", Double(accumulation), "in 1...65536") { (1...65536).contains($0) }
    try TrainingError.require("optimization.warm_up", Double(warmUp), "0 or more, and below optimization.steps") {
      $0 >= 0 && $0 < Double(steps)
    }
    try TrainingError.require("optimization.clip_norm", clipNorm, "0 or more") { $0 >= 0 && $0.isFinite }
    try TrainingError.require("optimization.average_decay", averageDecay, "0 or more, and below 1") { $0 >= 0 && $0 < 1 }
    if schedule == .cosineReference {
      try TrainingError.require("optimization.warm_up", Double(warmUp), "1 or more for cosine_reference") { $0 >= 1 }
    }
    for (name, beta) in [("beta1", beta1), ("beta2", beta2)] {
      try TrainingError.require("optimization.\(name)", beta, "0 or more, and below 1") { $0 >= 0 && $0 < 1 }
    }
    for (name, value) in [("epsilon", epsilon), ("weight_decay", weightDecay), ("learning_rate", learningRate)] {
      try TrainingError.require("optimization.\(name)", value, "0 or more") { $0 >= 0 && $0.isFinite }
    }
    _ = try rate()
  }

  /// The learning rate of the first step.
  ///
  /// - Throws: `TrainingError.setting`.
  func rate() throws(TrainingError) -> LearningRate {
    switch schedule {
    case .cosine: .warmUpThenCosine(try WarmUpThenCosine(peak: learningRate, warmUp: warmUp, steps: steps))
    case .cosineReference:
      .cosine(try CosineSchedule(base: learningRate / Double(warmUp + 1), peak: learningRate, warmUp: warmUp, period: steps))
    case .plateau:
      .plateau(
        try PlateauSchedule(
          base: learningRate / Double(warmUp + 1), peak: learningRate, warmUp: warmUp, patience: plateauPatience,
          factor: plateauFactor))
    case .constant:
      .plateau(
        try PlateauSchedule(base: learningRate / Double(warmUp + 1), peak: learningRate, warmUp: warmUp, patience: .max))
    }
  }
}
