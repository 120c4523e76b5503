import Diffusion
import Foundation
import Tensor

/// The cross-entropy between images and the prediction of them, as masked models are trained (Chang et al. 2022, "MaskGIT", Eq. 1;
/// Sahoo et al. 2024, "Simple and Effective Masked Diffusion Language Models", Eq. 10 with weights), and its gradient.
///
///     loss = Σ_{b,i counted} w_b (−Σ_k y_k log p(x_0 = k | x_t)) / N        y_k = (1 − ε) [k = x_0] + ε / K
package struct MaskedCrossEntropy: Sendable {
  /// Which positions count.
  package enum Positions: Sendable { case masked, all }
  /// N: how many positions count, or B L.
  package enum Divisor: Sendable { case counted, all }

  private let kernel: any CorruptionKernel
  private let positions: Positions
  private let divisor: Divisor
  private let smoothing: Double

  /// - Parameter smoothing: ε, [0, 1).
  /// - Throws: `TrainingError.setting`.
  package init(
    kernel: any CorruptionKernel, positions: Positions = .masked, divisor: Divisor = .counted, smoothing: Double = 0
  ) throws(TrainingError) {
    guard smoothing >= 0, smoothing < 1 else {
      throw .setting(name: "the label smoothing", expected: "in [0, 1)", found: smoothing)
    }
    (self.kernel, self.positions, self.divisor, self.smoothing) = (kernel, positions, divisor, smoothing)
  }

  /// T (γ̄_t − γ̄_{t−1}) / γ̄_t of each sample's timestep: with them, masked positions and the divisor `all` an unbiased estimate, over
  /// uniform t, of the variational bound of a kernel that only masks, in nats a token. 0 for kernels without masks.
  package static func boundWeights(
    _ kernel: any CorruptionKernel, timesteps: [Int]
  ) -> [Double] {
    timesteps.map { t in
      let (before, after) = (kernel.cumulative(at: t).mask, kernel.cumulative(at: t + 1).mask)
      return after > 0 ? Double(kernel.timesteps) * (after - before) / after : 0
    }
  }

  /// The loss, 0 if no position counts; puts the gradient in the place of the logits, [B, L, K]. The batch's p_t is not used.
  ///
  /// - Parameter weights: w_b, nil for 1.
  /// - Throws: `TrainingError.code`, `token`, `timestep`, `shape`, `setting`, `logitsNotFinite`; the logits are then as they were.
  package func replaceWithGradient(
    _ batch: TrainingBatch, logits: inout FloatTensor, weights: [Double]? = nil
  ) throws(TrainingError) -> Double {
    let codes = kernel.codes
    try batch.check(logits, timesteps: kernel.timesteps, codes: codes)
    let scales = try scales(batch, weights)
    var losses = [Double](repeating: 0, count: batch.clean.count)
    defer { keepAlive(logits) }
    let base = logits.mutableBase()
    losses.withUnsafeMutableBufferPointer { losses in
      nonisolated(unsafe) let (losses, base) = (losses, base)
      PositionChunks.forEach(count: batch.clean.count, codes: codes) { index, p, _ in
        let row = base + index * codes
        guard positions == .all || Int(batch.corrupted[index]) == codes else {
          row.update(repeating: 0, count: codes)
          return
        }
        let scale = scales[index / batch.length]
        losses[index] = scale * replaceRow(row, code: Int(batch.clean[index]), scale: scale, probabilities: p)
      }
    }
    return losses.reduce(0, +)
  }

  /// w_b / N.
  private func scales(_ batch: TrainingBatch, _ weights: [Double]?) throws(TrainingError) -> [Double] {
    let weights = weights ?? Array(repeating: 1, count: batch.timesteps.count)
    guard weights.count == batch.timesteps.count else {
      throw .shape(of: "the samples' weights", expected: [batch.timesteps.count], found: [weights.count])
    }
    for weight in weights where !(weight >= 0 && weight.isFinite) {
      throw .setting(name: "a sample's weight", expected: "in [0, infinity)", found: weight)
    }
    let isMean = divisor == .counted && positions == .masked
    let counted = isMean ? batch.corrupted.count { Int($0) == kernel.codes } : batch.clean.count
    return weights.map { $0 / Double(max(counted, 1)) }
  }

  /// −Σ y log p of a row of logits, in whose place it puts (p − y) · scale; p is K numbers to use.
  private func replaceRow(
    _ row: UnsafeMutablePointer<Float>, code: Int, scale: Double, probabilities p: UnsafeMutablePointer<Double>
  ) -> Double {
    let codes = kernel.codes
    let logSum = LogSoftmax.probabilities(row, count: codes, into: p)
    let even = smoothing / Double(codes)
    var loss = (1 - smoothing) * (logSum - Double(row[code]))
    for k in 0..<codes { loss -= even * (Double(row[k]) - logSum) }
    p[code] -= 1 - smoothing
    for k in 0..<codes { row[k] = Float(scale * (p[k] - even)) }
    return loss
  }
}
