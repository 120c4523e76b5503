import Checkpoint
import Foundation
import Tensor

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", Algorithm 2).
///
/// In step t, with gradients g, learning rate η and decay λ:
///
///     p ← p − η λ p
///     m ← β₁ m + (1 − β₁) g
///     v ← β₂ v + (1 − β₂) g²
///     p ← p − η / (1 − β₁ᵗ) · m / (√(v / (1 − β₂ᵗ)) + ε)
package struct AdamW: Sendable {
  /// The constants; the learning rate comes with each step.
  package struct Settings: Sendable, Codable, Equatable {
    /// β₁, 0 ≤ β₁ < 1
    package var firstDecay: Double
    /// β₂, 0 ≤ β₂ < 1
    package var secondDecay: Double
    /// ε
    package var epsilon: Double
    /// λ
    package var weightDecay: Double

    /// The defaults are those of the released VQ-Diffusion models.
    package init(
      firstDecay: Double = 0.9, secondDecay: Double = 0.96, epsilon: Double = 1e-8, weightDecay: Double = 0.045
    ) {
      (self.firstDecay, self.secondDecay) = (firstDecay, secondDecay)
      (self.epsilon, self.weightDecay) = (epsilon, weightDecay)
    }
  }

  /// What may differ between parameters.
  package struct Group: Sendable, Equatable {
    /// λ
    package var weightDecay: Double
    /// A factor of the learning rate.
    package var rateFactor: Double

    package init(weightDecay: Double, rateFactor: Double = 1) {
      (self.weightDecay, self.rateFactor) = (weightDecay, rateFactor)
    }
  }

  package let settings: Settings
  /// Steps done.
  package private(set) var step: Int
  /// m
  package private(set) var first: ParameterSet
  /// v
  package private(set) var second: ParameterSet
  /// Of each parameter, in order.
  private let groups: [Group]

  /// - Parameter group: the group of a parameter by its name and shape; nil puts it with the rest, which have the settings' decay.
  /// - Throws: `TrainingError.setting`.
  package init(
    _ settings: Settings, for parameters: ParameterSet, group: (_ name: String, _ shape: [Int]) -> Group? = { _, _ in nil }
  ) throws(TrainingError) {
    try TrainingError.require("β₁", settings.firstDecay, "in 0..<1") { $0 >= 0 && $0 < 1 }
    try TrainingError.require("β₂", settings.secondDecay, "in 0..<1") { $0 >= 0 && $0 < 1 }
    try TrainingError.require("AdamW's ε", settings.epsilon, "0 or more") { $0 >= 0 && $0.isFinite }
    self.settings = settings
    step = 0
    first = ParameterSet(zerosLike: parameters)
    second = first
    var groups: [Group] = []
    for (place, name) in parameters.names.enumerated() {
      let group = group(name, parameters[place].shape) ?? Group(weightDecay: settings.weightDecay)
      try TrainingError.require("the weight decay of \(name)", group.weightDecay, "0 or more") { $0 >= 0 && $0.isFinite }
      try TrainingError.require("the learning rate's factor of \(name)", group.rateFactor, "0 or more") { $0 >= 0 && $0.isFinite }
      groups.append(group)
    }
    self.groups = groups
  }

  /// One step, in place.
  ///
  /// - Parameters:
  ///   - parameters: those, by names and shapes, that the optimiser was made for, in the same order.
  ///   - gradients: of all parameters, in any order.
  ///   - rate: η
  /// - Throws: `TrainingError.missing`, `.unknown`, `.differingShape`, `.setting` for a rate that isn't finite or is below 0; then
  ///   nothing has changed.
  package mutating func update(
    _ parameters: inout ParameterSet, gradients: ParameterSet, rate: Double
  ) throws(TrainingError) {
    try TrainingError.require("the learning rate", rate, "0 or more") { $0 >= 0 && $0.isFinite }
    guard parameters.names == first.names else {
      throw .state(name: "AdamW", expected: "parameters \(first.names)", found: "\(parameters.names)")
    }
    _ = try first.matching(parameters, "parameters")
    let gradients = try first.matching(gradients, "gradients")
    step += 1
    let kernels = groups.map { Kernel(settings, $0, rate: rate, step: step) }
    let pieces = first.pieces
    let (p, m, v) = (parameters.mutableBases(), first.mutableBases(), second.mutableBases())
    ThreadPool.shared.parallelFor(pieces.count) { index in
      let (place, range) = (pieces[index].place, pieces[index].range)
      kernels[place].run(range, p: p[place].pointer, g: gradients[place].base, m: m[place].pointer, v: v[place].pointer)
    }
    withExtendedLifetime((parameters, gradients, first, second)) {}
  }
}

extension AdamW {
  /// The arithmetic of one step for one group.
  private struct Kernel {
    let keep, firstGain, secondKeep, secondGain, stepSize, secondScale, epsilon: Float

    init(_ settings: Settings, _ group: Group, rate: Double, step: Int) {
      let rate = rate * group.rateFactor
      keep = Float(1 - rate * group.weightDecay)
      firstGain = Float(1 - settings.firstDecay)
      secondKeep = Float(settings.secondDecay)
      secondGain = Float(1 - settings.secondDecay)
      stepSize = Float(rate / (1 - pow(settings.firstDecay, Double(step))))
      secondScale = Float((1 - pow(settings.secondDecay, Double(step))).squareRoot())
      epsilon = Float(settings.epsilon)
    }

    /// A plain loop, which the compiler vectorises.
    func run(
      _ range: Range<Int>, p: UnsafeMutablePointer<Float>, g: UnsafePointer<Float>, m: UnsafeMutablePointer<Float>,
      v: UnsafeMutablePointer<Float>
    ) {
      for i in range {
        let gradient = g[i]
        let first = m[i] + (gradient - m[i]) * firstGain
        let second = v[i] * secondKeep + gradient * gradient * secondGain
        (m[i], v[i]) = (first, second)
        p[i] = p[i] * keep - stepSize * first / (second.squareRoot() / secondScale + epsilon)
      }
    }
  }
}

// Saving and going on.
extension AdamW {
  /// The moments and the number of steps under `<prefix>first.<name>`, `<prefix>second.<name>` and `<prefix>step`.
  package func stored(prefix: String) -> [StoredTensor] {
    first.stored(prefix: prefix + "first.") + second.stored(prefix: prefix + "second.")
      + [StoredTensor(prefix + "step", [step], shape: [])]
  }

  /// Goes on from a saved state: the steps that follow have the same bits as without the interruption.
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, `.wrongElementType`; then nothing has changed.
  package mutating func restore(from source: any TensorSource, prefix: String) throws(CheckpointError) {
    let first = try self.first.sameNames(in: source, prefix: prefix + "first.")
    let second = try self.second.sameNames(in: source, prefix: prefix + "second.")
    step = try source.integer(prefix + "step")
    (self.first, self.second) = (first, second)
  }
}
