import Checkpoint
import Evaluation
import Foundation
import Tensor
import TrainingCore

/// The quantiser of an autoencoder in training: codes that gradients train, or that follow the latents as a moving average.
struct QuantizerTraining {
  /// Latents as the decoder gets them.
  struct Quantized {
    let node: Node
    let loss: Double
    /// How many latents each code got; empty where nothing was quantised.
    let counts: [Int]
  }

  let settings: AutoencoderSettings.Codebook
  /// The name of the codes among the parameters, where gradients train them.
  private let codesName: String
  /// nil where gradients train the codes.
  private(set) var average: CodebookAverage?

  /// - Parameter codes: [K, D]
  /// - Throws: `TrainingError.setting`.
  init(_ settings: AutoencoderSettings.Codebook, codesName: String, codes: FloatTensor) throws(TrainingError) {
    (self.settings, self.codesName) = (settings, codesName)
    guard settings.kind == .average else { return }
    average = try CodebookAverage(
      .init(distance: settings.cosine ? .cosine : .euclidean, decay: settings.decay, epsilon: settings.smoothing), codes: codes)
  }

  /// Begins a moving average anew with clusters, as if batches had always been divided as these are.
  ///
  /// - Parameter latentsOfABatch: N
  mutating func begin(with clusters: KMeans, latentsOfABatch: Int) throws(TrainingError) {
    guard let average else { return }
    let scale = Double(latentsOfABatch) / Double(max(clusters.tokens.count, 1))
    self.average = try CodebookAverage(
      average.settings, codes: clusters.codes, sizes: clusters.counts.map { Float(Double($0) * scale) })
  }

  /// Latents as the decoder gets them while there are no codes yet.
  func unquantized(_ tape: Tape, _ latents: Node) -> Quantized {
    Quantized(node: settings.cosine ? tape.normalizedRows(latents) : latents, loss: 0, counts: [])
  }

  /// Quantises latents [B, h, w, D] on a tape; a moving average follows them.
  ///
  /// - Throws: `TrainingError.notFinite` for latents that aren't finite.
  mutating func quantize(
    _ tape: Tape, _ latents: Node, noise: TrainingNoise, iteration: Int
  ) throws(TrainingError) -> Quantized {
    let (z, width) = (latents.value, latents.value.shape[3])
    let rows = z.reshaped([z.count / width, width])
    guard var average else {
      let codes = try tape.parameter(codesName)
      try rows.requireFinite("latents")
      let assigned = LatentCodes(rows, codes: codes.value, distance: .euclidean)
      let weighting: VectorQuantization.Weighting = settings.legacyWeighting ? .legacy : .standard
      let quantization = VectorQuantization(beta: Float(settings.commitment), weighting: weighting)
      let (node, loss) = quantization(tape, latents: latents, codes: codes, indices: assigned.tokens)
      return Quantized(node: node, loss: loss, counts: assigned.sums(codes: codes.value.shape[0]).counts)
    }
    let compared = settings.cosine ? tape.normalizedRows(latents) : latents
    let codes = settings.cosine ? average.codes.normalizedRows() : average.codes
    let update = try average.update(rows)
    if settings.restartShare > 0 {
      try average.restartDeadCodes(below: settings.restartShare, from: update.latents, noise: noise, iteration: iteration)
    }
    self.average = average
    // The codes' own term has nobody to train.
    let quantization = VectorQuantization(beta: Float(settings.commitment), weighting: .standard)
    let (node, _) = quantization(tape, latents: compared, codes: tape.constant(codes), indices: update.tokens)
    return Quantized(node: node, loss: settings.commitment * update.loss, counts: update.counts)
  }

  /// The codes as a model is to hold them: those of the parameters given, or the moving average's.
  func exported(_ parameters: ParameterSet) -> FloatTensor? {
    guard let average else { return parameters[codesName] }
    return settings.cosine ? average.codes.normalizedRows() : average.codes
  }
}

// Saving and going on.
extension QuantizerTraining {
  private static let prefix = "quantize."

  var stored: [StoredTensor] { average?.stored(prefix: Self.prefix) ?? [] }

  /// - Throws: `CheckpointError`; then nothing has changed.
  mutating func restore(from file: any TensorSource) throws {
    guard let average else { return }
    let shape = average.codes.shape
    self.average = try CodebookAverage(
      average.settings, WeightLoader(file).scope("quantize"), codes: shape[0], dimension: shape[1])
  }
}

extension CodeUsage {
  /// What a log says of a batch's codes.
  var logged: [(name: String, value: Double)] { [("perplexity", perplexity), ("codes_used", Double(used))] }
}
