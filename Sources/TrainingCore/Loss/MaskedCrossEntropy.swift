import Diffusion
import Foundation
import Tensor

/// The cross-entropy between images and the prediction of them, as masked models are trained (Chang et al. 2022, "MaskGIT", Eq. 1), and
/// its gradient.
///
///     loss = mean of −Σ_k y_k log p(x_0 = k | x_t) over the positions that count        y_k = (1 − ε) [k = x_0] + ε / K
package struct MaskedCrossEntropy: Sendable {
  /// Which positions count.
  package enum Positions: Sendable { case masked, all }

  private let corruption: any Corruption
  private let positions: Positions
  private let smoothing: Double

  /// - Parameter smoothing: ε, [0, 1).
  /// - Throws: `TrainingError.setting`.
  package init(
    corruption: any Corruption, positions: Positions = .masked, smoothing: Double = 0
  ) throws(TrainingError) {
    guard smoothing >= 0, smoothing < 1 else {
      throw .setting(name: "the label smoothing", expected: "in [0, 1)", found: smoothing)
    }
    (self.corruption, self.positions, self.smoothing) = (corruption, positions, smoothing)
  }

  /// The loss, 0 if no position counts; puts the gradient in the place of the logits, [B, L, K]. The batch's p_t is not used.
  ///
  /// - Throws: `TrainingError.code`, `token`, `timestep`, `shape`, `logitsNotFinite`; the logits are then as they were.
  package func replaceWithGradient(
    _ batch: TrainingBatch, logits: inout FloatTensor
  ) throws(TrainingError) -> Double {
    let codes = corruption.codes
    try batch.check(logits, timesteps: corruption.timesteps, codes: codes)
    let counted = positions == .all ? batch.clean.count : batch.corrupted.count { Int($0) == codes }
    let scale = 1 / Double(max(counted, 1))
    var losses = [Double](repeating: 0, count: batch.clean.count)
    defer { keepAlive(logits) }
    let base = SharedPointer(logits.mutableBase())
    losses.withUnsafeMutableBufferPointer { losses in
      guard let losses = SharedPointer(losses) else { return }
      PositionChunks.forEach(count: batch.clean.count, codes: codes) { index, p, _ in
        let row = base + index * codes
        guard positions == .all || Int(batch.corrupted[index]) == codes else {
          row.update(repeating: 0, count: codes)
          return
        }
        losses.pointer[index] = scale * replaceRow(row, code: Int(batch.clean[index]), scale: scale, probabilities: p)
      }
    }
    return losses.reduce(0, +)
  }

  /// −Σ y log p of a row of logits, in whose place it puts (p − y) · scale; p is K numbers to use.
  private func replaceRow(
    _ row: UnsafeMutablePointer<Float>, code: Int, scale: Double, probabilities p: UnsafeMutablePointer<Double>
  ) -> Double {
    let codes = corruption.codes
    let logSum = LogSoftmax.probabilities(row, count: codes, into: p)
    let even = smoothing / Double(codes)
    var loss = (1 - smoothing) * (logSum - Double(row[code]))
    for k in 0..<codes { loss -= even * (Double(row[k]) - logSum) }
    p[code] -= 1 - smoothing
    for k in 0..<codes { row[k] = Float(scale * (p[k] - even)) }
    return loss
  }
}
