import Diffusion
import Tensor

/// The training loss of a denoiser, by its settings.
package struct DenoiserLoss {
  /// The loss of one batch.
  package struct Value {
    package let loss: Double
    /// The weight of the batch among those of a step: the number of terms that its loss is the mean of.
    package let weight: Double
    /// The parts of the loss, for the log.
    package let terms: [(name: String, value: Double)]
    /// The loss of each sample, for importance sampling of timesteps; empty where the loss has no such terms.
    package let timestepLosses: [Float]
  }

  private enum Kind {
    case variational(VariationalLoss)
    case maskedCrossEntropy(MaskedCrossEntropy)
  }

  private let kind: Kind
  private let codes: Int
  /// Whether positions that aren't masked count in the cross-entropy too.
  private let countsAll: Bool

  /// - Throws: `TrainingError`.
  package init(_ settings: DenoiserLossSettings, corruption: any Corruption) throws(TrainingError) {
    (codes, countsAll) = (corruption.codes, !corruption.hasMasks)
    switch settings.kind {
    case .variational:
      kind = .variational(VariationalLoss(corruption: corruption, settings: try settings.variational()))
    case .maskedCrossEntropy:
      kind = .maskedCrossEntropy(
        try MaskedCrossEntropy(
          corruption: corruption, positions: corruption.hasMasks ? .masked : .all, smoothing: settings.labelSmoothing))
    }
  }

  /// The loss; puts its gradient in the place of the logits.
  package func replaceWithGradient(_ batch: TrainingBatch, logits: inout FloatTensor) throws(TrainingError) -> Value {
    switch kind {
    case .variational(let loss):
      let terms = try loss.replaceWithGradient(batch, logits: &logits)
      func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }
      return Value(
        loss: terms.loss, weight: Double(batch.clean.count),
        terms: [("bound", mean(terms.main) / Double(batch.length)), ("auxiliary", mean(terms.auxiliary))],
        timestepLosses: terms.main.map { Float($0) })
    case .maskedCrossEntropy(let loss):
      let counted = countsAll ? batch.corrupted.count : batch.corrupted.count { Int($0) == codes }
      return Value(
        loss: try loss.replaceWithGradient(batch, logits: &logits), weight: Double(counted), terms: [], timestepLosses: [])
    }
  }
}
