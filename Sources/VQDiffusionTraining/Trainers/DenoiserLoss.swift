import Diffusion
import Tensor
import Training
import Transformer

/// The loss that settings ask for.
struct DenoiserLoss {
  struct Value {
    let loss: Double
    /// How much the batch counts among those of a step: the number of what its loss is a mean of.
    let weight: Double
    /// What the log says of its parts.
    let terms: [(name: String, value: Double)]
    /// What each sample says of its timestep, for importance sampling; empty where that isn't asked for.
    let timestepLosses: [Float]
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
  init(_ settings: DenoiserSettings, kernel: any CorruptionKernel) throws {
    (codes, countsAll) = (kernel.codes, !kernel.hasMasks)
    switch settings.loss.kind {
    case .variational:
      kind = .variational(VariationalLoss(kernel: kernel, settings: try settings.variationalSettings()))
    case .maskedCrossEntropy:
      kind = .maskedCrossEntropy(
        try MaskedCrossEntropy(
          kernel: kernel, positions: kernel.hasMasks ? .masked : .all, smoothing: settings.loss.labelSmoothing))
    }
  }

  /// The loss; puts its gradient in the place of the logits.
  func replaceWithGradient(_ batch: TrainingBatch, logits: inout FloatTensor) throws -> Value {
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

/// −log p(x_0 | x_t) of held-out tokens in nats, a mean over the masked positions of all images, each at a timestep of its own; over all
/// positions where the kernel masks none. The corruption is the same at every look.
struct HeldOutCrossEntropy {
  private let tokens: TokenSet
  private let kernel: any CorruptionKernel

  init(_ tokens: TokenSet, kernel: any CorruptionKernel) { (self.tokens, self.kernel) = (tokens, kernel) }

  func callAsFunction(_ network: DenoisingTransformer) throws -> Double {
    let loss = try MaskedCrossEntropy(kernel: kernel, positions: kernel.hasMasks ? .masked : .all)
    let corruption = ForwardCorruption(kernel: kernel)
    var (sum, counted) = (0.0, 0)
    let atOnce = 64
    for start in stride(from: 0, to: tokens.count, by: atOnce) {
      let images = start..<min(start + atOnce, tokens.count)
      let clean = images.flatMap { tokens.tokens(of: $0, variant: 0) }
      // Images come class by class; multiples of the golden ratio spread the timesteps evenly within each.
      let timesteps = images.map { image in
        Int((Double(image) * 0.6180339887498949).truncatingRemainder(dividingBy: 1) * Double(kernel.timesteps))
      }
      let corrupted = try corruption.corrupt(
        clean, timesteps: timesteps, step: 0, firstSample: start, noise: PhiloxNoise(seed: 0))
      let count = kernel.hasMasks ? corrupted.count { Int($0) == kernel.codes } : corrupted.count
      guard count > 0 else { continue }
      let conditions = images.map { image -> DenoiserCondition in
        network.configuration.kind == .classConditional ? .index(tokens.classes[image]) : .none
      }
      var logits = try network.logits(tokens: corrupted, timesteps: timesteps, conditions: conditions)
      let batch = try TrainingBatch(clean: clean, corrupted: corrupted, timesteps: timesteps)
      sum += try loss.replaceWithGradient(batch, logits: &logits) * Double(count)
      counted += count
    }
    return sum / Double(max(counted, 1))
  }
}
