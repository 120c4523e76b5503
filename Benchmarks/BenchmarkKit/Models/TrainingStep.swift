import Tensor
import TrainingCore

/// A network in training from its initial parameters, and whole steps of it: forward pass, loss, backward pass, AdamW.
///
/// The optimiser is that of the released VQ-Diffusion models: β 0.9 and 0.96, weight decay 0.045 for all parameters.
package final class TrainingStep<Batch> {
  /// A forward pass's loss, the node that it is a function of, and its gradient with respect to that.
  private typealias Pass = (loss: Double, output: Node, gradient: FloatTensor)

  package private(set) var parameters: ParameterSet
  private var optimizer: AdamW
  private let rate = 1e-4
  private let forward: (Tape, Batch) throws -> Pass

  private init(_ parameters: ParameterSet, forward: @escaping (Tape, Batch) throws -> Pass) throws {
    (self.parameters, self.forward) = (parameters, forward)
    optimizer = try AdamW(AdamW.Settings(), for: parameters)
  }

  /// One step.
  ///
  /// - Returns: the loss before it.
  /// - Throws: `TrainingError.notFinite` for an autoencoder's latents that aren't finite.
  package func callAsFunction(_ batch: Batch) throws -> Double {
    let tape = Tape(parameters)
    let pass = try forward(tape, batch)
    let gradients = try tape.gradients(from: pass.output, pass.gradient)
    try optimizer.update(&parameters, gradients: gradients, rate: rate)
    return pass.loss
  }
}

extension TrainingStep where Batch == RandomTrainingBatch {
  /// Steps of a denoiser; the loss is −log p(target) in nats, a mean over all positions of all sequences.
  ///
  /// - Parameter graph: of a class-conditional or unconditional network.
  package convenience init(_ graph: any DenoiserGraph, seed: UInt64) throws {
    let codes = graph.facts.codes
    try self.init(graph.initialParameters(seed: seed)) { tape, batch in
      let logits = try graph.logits(tape, tokens: batch.tokens, timesteps: batch.timesteps, classes: batch.classes)
      let count = batch.targets.count
      let rows = tape.reshaped(logits, [count, codes])
      let loss = Gradient.crossEntropy(
        rows.value, targets: batch.targets, weights: Array(repeating: 1 / Float(count), count: count))
      return (Double(loss.value[0]), rows, loss.pullback(FloatTensor([1], shape: [1])))
    }
  }
}

extension TrainingStep where Batch == FloatTensor {
  /// Steps of an autoencoder on images [B, H, W, 3] in −1…1 with codes that gradients train; the loss is the images' mean absolute error
  /// plus the quantiser's, mean |sg[e] − z|² + 0.25 mean |e − sg[z]|² (see `VectorQuantization`).
  ///
  package convenience init(_ graph: any TokenizerGraph, seed: UInt64) throws {
    let width = graph.codeDimension
    let quantization = VectorQuantization(beta: 0.25, weighting: .legacy)
    try self.init(graph.initialParameters(seed: seed)) { tape, images in
      let latents = try graph.latents(tape, of: images)
      let codes = try tape.parameter(type(of: graph).codesName)
      let rows = latents.value.reshaped([latents.value.count / width, width])
      try rows.requireFinite("latents")
      let nearest = LatentCodes(rows, codes: codes.value, distance: .euclidean).tokens
      let (quantized, commitment) = quantization(tape, latents: latents, codes: codes, indices: nearest)
      let rebuilt = try graph.images(tape, of: quantized)
      let (error, gradient) = meanAbsoluteError(rebuilt.value, images)
      return (error + commitment, rebuilt, gradient)
    }
  }
}

/// Σ|x̂ − x| / n, and its gradient with respect to x̂.
private func meanAbsoluteError(_ images: FloatTensor, _ target: FloatTensor) -> (loss: Double, gradient: FloatTensor) {
  let count = max(images.count, 1)
  let step = 1 / Float(count)
  defer { keepAlive(images, target) }
  let (x, y) = (images.base, target.base)
  var sum = 0.0
  let gradient = FloatTensor(uninitialized: images.shape) { gradient in
    for place in 0..<images.count {
      let difference = x[place] - y[place]
      sum += Double(abs(difference))
      gradient[place] = difference > 0 ? step : difference < 0 ? -step : 0
    }
  }
  return (sum / Double(count), gradient)
}
