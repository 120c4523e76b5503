import Diffusion
import Tensor

/// Draws x_t ~ q(x_t | x_0) for training (Improved VQ-Diffusion, Eq. 4), position by position.
package struct ForwardCorruption: Sendable {
  private let corruption: any Corruption

  package init(corruption: any Corruption) { self.corruption = corruption }

  /// x_t, [B, L].
  ///
  /// - Parameters:
  ///   - clean: x_0, [B, L], codes.
  ///   - timesteps: the network's timestep of each sample, 0…T − 1.
  ///   - step: the training step; with the seed, the sample and the position it names a draw.
  ///   - firstSample: the number of the first sample in the step, where a step takes several batches.
  /// - Throws: `TrainingError.shape`, `code`, `timestep`.
  package func corrupt(
    _ clean: [Int32], timesteps: [Int], step: Int, firstSample: Int = 0, noise: some NoiseSource
  ) throws(TrainingError) -> [Int32] {
    let codes = corruption.codes
    guard !timesteps.isEmpty, !clean.isEmpty, clean.count % timesteps.count == 0 else {
      throw .shape(of: "the images", expected: [timesteps.count, clean.count / max(timesteps.count, 1)], found: [clean.count])
    }
    for (index, token) in clean.enumerated() where token < 0 || Int(token) >= codes {
      throw .code(codes: codes, index: index, found: token)
    }
    for (sample, t) in timesteps.enumerated() where t < 0 || t >= corruption.timesteps {
      throw .timestep(timesteps: corruption.timesteps, sample: sample, found: t)
    }
    let length = clean.count / timesteps.count
    var corrupted = clean
    corrupted.withUnsafeMutableBufferPointer { corrupted in
      guard let corrupted = SharedPointer(corrupted) else { return }
      ThreadPool.shared.parallelFor(timesteps.count) { sample in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: codes + 1) { weights in
          for position in 0..<length {
            let index = sample * length + position
            corruption.writeCorruption(of: clean[index], at: timesteps[sample] + 1, into: weights)
            let key = DrawKey(.corruption, image: firstSample + sample, step: step, position: position)
            corrupted.pointer[index] = Int32(noise.categorical(UnsafeBufferPointer(weights), key: key))
          }
        }
      }
    }
    return corrupted
  }
}
