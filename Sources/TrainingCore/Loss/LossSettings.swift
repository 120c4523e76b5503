/// How the terms of the variational loss are weighted (Gu et al. 2022, Section 4.2; the public code's training settings).
package struct VariationalLossSettings: Sendable, Equatable {
  /// λ, the weight of the auxiliary term.
  package var auxiliaryWeight: Double
  /// Whether λ is multiplied by 2 − t/T, t = 0…T − 1.
  package var isAdaptive: Bool
  /// The weight of positions whose x_t is masked.
  package var maskedWeight: Double
  /// The weight of the others.
  package var unmaskedWeight: Double

  /// - Throws: `TrainingError.setting` for a weight that is negative or not finite.
  package init(
    auxiliaryWeight: Double = 5e-4, isAdaptive: Bool = true, maskedWeight: Double = 1, unmaskedWeight: Double = 1
  ) throws(TrainingError) {
    for (name, weight) in [
      ("the auxiliary weight", auxiliaryWeight), ("the weight of masked positions", maskedWeight),
      ("the weight of unmasked positions", unmaskedWeight),
    ] where !(weight >= 0 && weight.isFinite) {
      throw .setting(name: name, expected: "in [0, infinity)", found: weight)
    }
    self.auxiliaryWeight = auxiliaryWeight
    self.isAdaptive = isAdaptive
    self.maskedWeight = maskedWeight
    self.unmaskedWeight = unmaskedWeight
  }

  /// λ, or λ (2 − t/T).
  func auxiliaryFactor(at t: Int, of timesteps: Int) -> Double {
    isAdaptive ? auxiliaryWeight * (2 - Double(t) / Double(timesteps)) : auxiliaryWeight
  }
}
