import Diffusion
import Tensor

/// The terms of a batch's loss in nats: B samples of L positions.
package struct LossTerms: Sendable, Equatable {
  /// KL(q(x_{t−1} | x_t, x_0) ‖ p(x_{t−1} | x_t)) of each position, [B, L], unweighted.
  package var divergences: [Double]
  /// −log p(x_{t−1} = x_0 | x_t) of each position, [B, L], at every t.
  package var decoder: [Double]
  /// −log p(x_0 | x_t) of each position, [B, L], unweighted.
  package var auxiliary: [Double]
  /// L_{t−1} of each sample, [B]: the weighted divergences summed over positions, or the decoder term at t = 0.
  package var main: [Double]
  /// What each sample adds to the loss, [B]: main / p_t + f λ auxiliary / p_t.
  package var weighted: [Double]
  /// Σ weighted / (B L).
  package var loss: Double
}

/// The training loss of VQ-Diffusion (Gu et al. 2022, Eq. 9 and 10; Improved VQ-Diffusion, Eq. 3 and 5) and its gradient with respect
/// to the logits, for any corruption.
///
///     loss  = Σ_b (main_b + f_b λ aux_b) / p_t(b) / (B L)
///     main  = Σ_i m_i KL(q(x_{t−1} | x_t, x_0) ‖ p(x_{t−1} | x_t))    or    −Σ_i log p(x_0 | x_1) at the first timestep
///     aux   = −Σ_i m_i log p(x_0 | x_t)    or that same decoder term at the first timestep
///
/// with m_i the weight of masked or of other positions and f = 2 − t/T if adaptive, else 1. Logarithms are bounded to −70…0.
/// O(K) a position, in double precision. Positions are independent, so neither batch nor threads change a bit of the gradient but by
/// its factor 1 / B.
package struct VariationalLoss: Sendable {
  private let corruption: any Corruption
  private let settings: VariationalLossSettings

  package init(corruption: any Corruption, settings: VariationalLossSettings) {
    self.corruption = corruption
    self.settings = settings
  }

  /// The terms of the loss.
  ///
  /// - Parameter logits: [B, L, K].
  /// - Throws: `TrainingError.code`, `token`, `timestep`, `shape`, `logitsNotFinite`.
  package func terms(_ batch: TrainingBatch, logits: FloatTensor) throws(TrainingError) -> LossTerms {
    try batch.check(logits, timesteps: corruption.timesteps, codes: corruption.codes)
    defer { keepAlive(logits) }
    return evaluate(batch, logits: logits, gradient: nil)
  }

  /// The terms of the loss; puts the gradient in the place of the logits, [B, L, K].
  ///
  /// - Throws: `TrainingError.code`, `token`, `timestep`, `shape`, `logitsNotFinite`; the logits are then as they were.
  package func replaceWithGradient(_ batch: TrainingBatch, logits: inout FloatTensor) throws(TrainingError) -> LossTerms {
    try batch.check(logits, timesteps: corruption.timesteps, codes: corruption.codes)
    defer { keepAlive(logits) }
    let gradient = SharedPointer(logits.mutableBase())
    return evaluate(batch, logits: logits, gradient: gradient)
  }

  /// - Parameter gradient: where the gradient goes, if it is wanted: the logits' own memory.
  private func evaluate(
    _ batch: TrainingBatch, logits: FloatTensor, gradient: SharedPointer<Float>?
  ) -> LossTerms {
    let (count, codes, length) = (batch.clean.count, corruption.codes, batch.length)
    let laws = batch.timesteps.map { ReverseLaw.laws(corruption, at: $0 + 1) }
    var terms = [PositionTerms](repeating: PositionTerms(), count: count)
    terms.withUnsafeMutableBufferPointer { terms in
      guard let terms = SharedPointer(terms) else { return }
      PositionChunks.forEach(count: count, codes: codes) { index, p, scratch in
        let (sample, token) = (index / length, Int(batch.corrupted[index]))
        let law = token == codes ? laws[sample].masked : laws[sample].code
        let row = logits.base + index * codes
        let position = PositionLoss(
          clean: Int(batch.clean[index]), token: token, law: law, logits: row, probabilities: p)
        terms.pointer[index] = PositionTerms(position)
        guard let gradient else { return }
        let weights = weights(of: batch, sample: sample, token: token)
        position.writeGradient(
          divergence: weights.divergence, decoder: weights.decoder, auxiliary: weights.auxiliary,
          logits: row, probabilities: p, scratch: scratch, into: gradient + index * codes)
      }
    }
    return sum(terms, batch)
  }

  /// What a position's terms are multiplied by in the loss.
  private func weights(of batch: TrainingBatch, sample: Int, token: Int) -> PositionTerms {
    let t = batch.timesteps[sample]
    let scale = 1 / (batch.probabilities[sample] * Double(batch.clean.count))
    let factor = settings.auxiliaryFactor(at: t, of: corruption.timesteps)
    if t == 0 { return PositionTerms(divergence: 0, decoder: scale * (1 + factor), auxiliary: 0) }
    let weight = scale * maskWeight(token)
    return PositionTerms(divergence: weight, decoder: 0, auxiliary: weight * factor)
  }

  private func maskWeight(_ token: Int) -> Double {
    token == corruption.codes ? settings.maskedWeight : settings.unmaskedWeight
  }

  private func sum(_ terms: [PositionTerms], _ batch: TrainingBatch) -> LossTerms {
    let length = batch.length
    var (main, weighted): ([Double], [Double]) = ([], [])
    for (sample, t) in batch.timesteps.enumerated() {
      var (first, second) = (0.0, 0.0)
      for index in sample * length..<(sample + 1) * length {
        let weight = maskWeight(Int(batch.corrupted[index]))
        first += t == 0 ? terms[index].decoder : weight * terms[index].divergence
        second += t == 0 ? terms[index].decoder : weight * terms[index].auxiliary
      }
      let factor = settings.auxiliaryFactor(at: t, of: corruption.timesteps)
      main.append(first)
      weighted.append((first + factor * second) / batch.probabilities[sample])
    }
    return LossTerms(
      divergences: terms.map(\.divergence), decoder: terms.map(\.decoder), auxiliary: terms.map(\.auxiliary), main: main,
      weighted: weighted, loss: weighted.reduce(0, +) / Double(batch.clean.count))
  }
}

/// A number for each of a position's terms.
private struct PositionTerms {
  var divergence = 0.0
  var decoder = 0.0
  var auxiliary = 0.0
}

extension PositionTerms {
  fileprivate init(_ loss: PositionLoss) {
    self.init(divergence: loss.divergence, decoder: loss.decoder, auxiliary: loss.auxiliary)
  }
}
