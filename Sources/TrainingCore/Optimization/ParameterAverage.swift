import Checkpoint
import Tensor

/// The exponential moving average of parameters, θ̄ ← d θ̄ + (1 − d) θ, which generates better than the last step's.
package struct ParameterAverage: Sendable {
  package struct Settings: Sendable, Codable, Equatable {
    /// d
    package var decay: Double
    /// Iterations from one update to the next.
    package var interval: Int
    /// Whether the first updates take min(d, (1 + n) / (10 + n)) in place of d, n being the updates done, so that the average
    /// soon leaves the random parameters behind.
    package var warmsUp: Bool

    /// The defaults are those of the released VQ-Diffusion models.
    package init(decay: Double = 0.99, interval: Int = 25, warmsUp: Bool = false) {
      (self.decay, self.interval, self.warmsUp) = (decay, interval, warmsUp)
    }
  }

  package let settings: Settings
  /// θ̄
  package private(set) var parameters: ParameterSet
  /// Updates done.
  package private(set) var updates = 0

  /// An average that begins with `parameters`.
  ///
  /// - Throws: `TrainingError.setting`.
  package init(_ settings: Settings, of parameters: ParameterSet) throws(TrainingError) {
    try TrainingError.require("the average's decay", settings.decay, "in 0...1") { (0...1).contains($0) }
    try TrainingError.require("the average's interval", Double(settings.interval), "1 or more") { $0 >= 1 }
    (self.settings, self.parameters) = (settings, parameters)
  }

  /// The decay of the next update.
  package var nextDecay: Double {
    settings.warmsUp ? min(settings.decay, Double(1 + updates) / Double(10 + updates)) : settings.decay
  }

  /// Updates the average after iteration 0, 1, …, if (iteration + 1) is a multiple of the interval.
  ///
  /// - Returns: whether it is.
  /// - Throws: `TrainingError.missing`, `.unknown`, `.differingShape`.
  @discardableResult
  package mutating func update(_ current: ParameterSet, iteration: Int) throws(TrainingError) -> Bool {
    guard (iteration + 1).isMultiple(of: settings.interval) else { return false }
    let current = try parameters.matching(current, "the averaged parameters")
    let (keep, gain) = (Float(nextDecay), Float(1 - nextDecay))
    let pieces = parameters.pieces
    let averages = parameters.mutableBases()
    ThreadPool.shared.parallelFor(pieces.count) { index in
      let (average, new) = (averages[pieces[index].place].pointer, current[pieces[index].place].base)
      for i in pieces[index].range { average[i] = keep * average[i] + gain * new[i] }
    }
    withExtendedLifetime((parameters, current)) {}
    updates += 1
    return true
  }

  /// Puts values in the place of a parameter's average.
  ///
  /// - Throws: `TrainingError.unknown`, `.differingShape`.
  package mutating func replace(_ name: String, with tensor: FloatTensor) throws(TrainingError) {
    try parameters.replace(name, with: tensor)
  }

  /// Puts values [1, D] in the place of a row of a table's average [N, D].
  ///
  /// - Throws: `TrainingError.unknown`.
  package mutating func replaceRow(_ row: Int, of name: String, with values: FloatTensor) throws(TrainingError) {
    try parameters.replaceRow(row, of: name, with: values)
  }

  /// The average under `<prefix><name>`, the number of updates under `<prefix>updates`.
  package func stored(prefix: String) -> [StoredTensor] {
    parameters.stored(prefix: prefix) + [StoredTensor(prefix + "updates", [updates], shape: [])]
  }

  /// Goes on from a saved state.
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, `.wrongElementType`; then nothing has changed.
  package mutating func restore(from source: any TensorSource, prefix: String) throws(CheckpointError) {
    let parameters = try self.parameters.sameNames(in: source, prefix: prefix)
    updates = try source.integer(prefix + "updates")
    self.parameters = parameters
  }
}
