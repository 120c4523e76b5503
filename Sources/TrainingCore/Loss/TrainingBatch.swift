import Diffusion
import Tensor

/// Images and what corruption made of them: B samples of L tokens, K codes, the mask being K.
package struct TrainingBatch: Sendable {
  /// x_0, [B, L], codes.
  package let clean: [Int32]
  /// x_t, [B, L], codes or the mask.
  package let corrupted: [Int32]
  /// The network's timestep of each sample, 0…T − 1: the paper's t less one.
  package let timesteps: [Int]
  /// The probability p_t with which each timestep was drawn, (0, 1].
  package let probabilities: [Double]

  /// L.
  package var length: Int { clean.count / max(timesteps.count, 1) }

  /// - Parameter probabilities: nil where no term is to be divided by p_t.
  /// - Throws: `TrainingError.shape` where the arrays don't make B samples of equal length; `setting` for a p_t outside (0, 1].
  package init(
    clean: [Int32], corrupted: [Int32], timesteps: [Int], probabilities: [Double]? = nil
  ) throws(TrainingError) {
    let (count, batch) = (clean.count, timesteps.count)
    guard batch > 0, count > 0, count % batch == 0 else {
      throw .shape(of: "the images", expected: [batch, count / max(batch, 1)], found: [count])
    }
    guard corrupted.count == count else {
      throw .shape(of: "the corrupted tokens", expected: [count], found: [corrupted.count])
    }
    let probabilities = probabilities ?? Array(repeating: 1, count: batch)
    guard probabilities.count == batch else {
      throw .shape(of: "the timesteps' probabilities", expected: [batch], found: [probabilities.count])
    }
    for p in probabilities where !(p > 0 && p <= 1) {
      throw .setting(name: "the probability of a timestep", expected: "in (0, 1]", found: p)
    }
    (self.clean, self.corrupted) = (clean, corrupted)
    (self.timesteps, self.probabilities) = (timesteps, probabilities)
  }

  /// - Throws: `code`, `token`, `timestep`, `shape`, `logitsNotFinite`.
  func check(_ logits: FloatTensor, timesteps steps: Int, codes: Int) throws(TrainingError) {
    for (index, token) in clean.enumerated() where token < 0 || Int(token) >= codes {
      throw .code(codes: codes, index: index, found: token)
    }
    for (index, token) in corrupted.enumerated() where token < 0 || Int(token) > codes {
      throw .token(codes: codes, index: index, found: token)
    }
    for (sample, t) in timesteps.enumerated() where t < 0 || t >= steps {
      throw .timestep(timesteps: steps, sample: sample, found: t)
    }
    let shape = [timesteps.count, length, codes]
    guard logits.shape == shape else { throw .shape(of: "the logits", expected: shape, found: logits.shape) }
    defer { keepAlive(logits) }
    for row in 0..<clean.count where !RowMath.isFinite(logits.base + row * codes, count: codes) {
      throw .logitsNotFinite(sample: row / length, position: row % length)
    }
  }
}
