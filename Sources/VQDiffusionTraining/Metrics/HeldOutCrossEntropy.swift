import Diffusion
import Tensor
import TrainingCore
import Transformer

/// −log p(x_0 | x_t) of held-out tokens in nats, a mean over the masked positions of all images, each at a timestep of its own; over all
/// positions where the corruption masks none. The corruption is the same at every look.
struct HeldOutCrossEntropy {
  private let tokens: TokenSet
  private let corruption: any Corruption

  init(_ tokens: TokenSet, corruption: any Corruption) { (self.tokens, self.corruption) = (tokens, corruption) }

  func callAsFunction(_ network: any DenoisingNetwork) throws -> Double {
    let loss = try MaskedCrossEntropy(corruption: corruption, positions: corruption.hasMasks ? .masked : .all)
    let forward = ForwardCorruption(corruption: corruption)
    var (sum, counted) = (0.0, 0)
    let atOnce = 64
    for start in stride(from: 0, to: tokens.count, by: atOnce) {
      let images = start..<min(start + atOnce, tokens.count)
      let clean = images.flatMap { tokens.tokens(of: $0, variant: 0) }
      // Images come class by class; multiples of the golden ratio spread the timesteps evenly within each.
      let timesteps = images.map { image in
        Int((Double(image) * 0.6180339887498949).truncatingRemainder(dividingBy: 1) * Double(corruption.timesteps))
      }
      let corrupted = try forward.corrupt(
        clean, timesteps: timesteps, step: 0, firstSample: start, noise: PhiloxNoise(seed: 0))
      let count = corruption.hasMasks ? corrupted.count { Int($0) == corruption.codes } : corrupted.count
      guard count > 0 else { continue }
      let conditions = images.map { image -> NetworkCondition in
        network.facts.classCount > 0 ? .index(tokens.classes[image]) : .none
      }
      var logits = try network.codeLogits(NetworkInput(tokens: corrupted, timesteps: timesteps, conditions: conditions))
      let batch = try TrainingBatch(clean: clean, corrupted: corrupted, timesteps: timesteps)
      sum += try loss.replaceWithGradient(batch, logits: &logits) * Double(count)
      counted += count
    }
    return sum / Double(max(counted, 1))
  }
}
