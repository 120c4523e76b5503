import Checkpoint
import Foundation
import Tensor
import TrainingCore

/// Parameters under training, and what changes them: clipping, AdamW, the learning rate's schedule and the moving average.
struct Optimization: Sendable {
  /// What a step did.
  struct Report: Sendable {
    /// ‖g‖ before clipping.
    let gradientNorm: Double
    let rate: Double
  }

  /// Steps whose gradients may be infinite or NaN, one after another, before training is called off.
  static let patience = 10

  private(set) var parameters: ParameterSet
  /// Steps done, those without an effect included.
  private(set) var steps = 0
  /// Steps that were left out in a row because their gradients weren't finite.
  private(set) var skipped = 0
  private var optimizer: AdamW
  private var average: ParameterAverage?
  private var rate: LearningRate
  private let clipNorm: Double

  /// - Throws: `TrainingError.setting`.
  init(_ settings: OptimizationSettings, _ parameters: ParameterSet) throws(TrainingError) {
    self.parameters = parameters
    let adam = AdamW.Settings(
      firstDecay: settings.beta1, secondDecay: settings.beta2, epsilon: settings.epsilon, weightDecay: settings.weightDecay)
    optimizer = try AdamW(adam, for: parameters) { name, shape in
      let isSpared = shape.count < 2 || name.contains("emb")
      return settings.decaysMatricesOnly && isSpared ? AdamW.Group(weightDecay: 0) : nil
    }
    if settings.averageDecay > 0 {
      average = try ParameterAverage(.init(decay: settings.averageDecay, interval: 1, warmsUp: true), of: parameters)
    }
    rate = try settings.rate()
    clipNorm = settings.clipNorm
  }

  /// What a model gets: the moving average, or the last step's where there is none.
  var averaged: ParameterSet { average?.parameters ?? parameters }

  /// One step. Gradients that aren't finite change nothing but the schedule.
  ///
  /// - Parameter loss: what the schedule looks at.
  /// - Throws: `TrainingRunError.diverged` after `patience` such steps in a row; `TrainingError`.
  mutating func step(_ gradients: inout ParameterSet, loss: Double) throws -> Report {
    let norm = clipNorm > 0 ? gradients.clip(toNorm: clipNorm) : gradients.globalNorm
    let rate = rate.rate
    if norm.isFinite {
      try optimizer.update(&parameters, gradients: gradients, rate: rate)
      skipped = 0
    } else {
      skipped += 1
      guard skipped < Self.patience else { throw TrainingRunError.diverged(step: steps + 1, loss: loss) }
    }
    _ = try average?.update(parameters, iteration: steps)
    self.rate.advance(loss: loss)
    steps += 1
    return Report(gradientNorm: norm, rate: rate)
  }

  /// Puts values in the place of a parameter and of its average: of one that gradients haven't trained so far.
  ///
  /// - Throws: `TrainingError.unknown`, `.differingShape`.
  mutating func replace(_ name: String, with tensor: FloatTensor) throws(TrainingError) {
    try parameters.replace(name, with: tensor)
    try average?.replace(name, with: tensor)
  }

  /// Puts values [1, D] in the place of a row of a table [N, D] and of its average.
  ///
  /// - Throws: `TrainingError.unknown`.
  mutating func replaceRow(_ row: Int, of name: String, with values: FloatTensor) throws(TrainingError) {
    try parameters.replaceRow(row, of: name, with: values)
    try average?.replaceRow(row, of: name, with: values)
  }
}

// Saving and going on.
extension Optimization {
  private static let ratePrefix = "learning_rate"

  func stored() throws -> RunState {
    var tensors = parameters.stored(prefix: "parameters.") + optimizer.stored(prefix: "adamw.")
    if let average { tensors += average.stored(prefix: "average.") }
    tensors += [StoredTensor("steps", [steps], shape: []), StoredTensor("skipped", [skipped], shape: [])]
    return RunState(tensors: tensors, texts: [Self.ratePrefix: try RunState.text(rate)])
  }

  /// - Throws: `CheckpointError`, `TrainingRunError.unreadableState`; then nothing has changed.
  mutating func restore(from state: RunState.Saved) throws {
    var restored = self
    restored.parameters = try parameters.sameNames(in: state.file, prefix: "parameters.")
    try restored.optimizer.restore(from: state.file, prefix: "adamw.")
    try restored.average?.restore(from: state.file, prefix: "average.")
    restored.rate = try state.value(Self.ratePrefix)
    restored.steps = try state.file.integer("steps")
    restored.skipped = try state.file.integer("skipped")
    self = restored
  }
}
