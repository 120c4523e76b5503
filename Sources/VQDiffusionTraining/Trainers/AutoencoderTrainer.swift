import Checkpoint
import Evaluation
import Foundation
import ModelFiles
import Tensor
import TrainingCore
import VQDiffusion
import VQVAE

/// Trains an image autoencoder, or the decoder's side of one (see `Refit`).
final class AutoencoderTrainer: Trainer {
  static let kind = "vqvae"

  private let settings: AutoencoderTraining
  private let graph: any TokenizerGraph
  private let batches: ImageBatches
  private let validation: ValidationImages?
  private let noise: TrainingNoise
  private var optimization: Optimization
  private var quantizer: QuantizerTraining
  /// Parameters of the encoder's side where they stay as they are; nil where everything is trained.
  private let frozen: ParameterSet?

  var step: Int { optimization.steps }

  /// - Parameters:
  ///   - parameters: of what is trained, with the codes under the graph's `codesName`.
  ///   - frozen: parameters of the encoder's side, which then stays.
  init(
    _ settings: AutoencoderTraining, _ graph: any TokenizerGraph, _ parameters: ParameterSet, frozen: ParameterSet?,
    batches: ImageBatches, validation: ValidationImages?
  ) throws {
    try settings.validate()
    let codesName = type(of: graph).codesName
    guard let codes = parameters[codesName] else {
      throw TrainingError.unknown(what: "network's parameter", parameter: codesName)
    }
    (self.settings, self.graph) = (settings, graph)
    (self.batches, self.validation, self.frozen) = (batches, validation, frozen)
    noise = TrainingNoise(seed: settings.optimization.seed)
    quantizer = try QuantizerTraining(settings.codebook, codesName: codesName, codes: codes)
    let isAveraged = settings.codebook.kind == .average
    let trained = isAveraged ? parameters.names.filter { $0 != codesName } : parameters.names
    optimization = try Optimization(
      settings.optimization, ParameterSet(trained.compactMap { name in parameters[name].map { (name, $0) } }))
  }

  func advance() throws -> [(name: String, value: Double)] {
    if step == settings.codebook.startStep, frozen == nil { try clusterLatents() }
    let count = settings.optimization.accumulation
    var passes: [Pass] = []
    var gradients: ParameterSet?
    for part in 0..<count {
      let iteration = step * count + part
      let pass = try pass(batches.batch(iteration), iteration: iteration)
      gradients?.add(pass.gradients)
      gradients = gradients ?? pass.gradients
      passes.append(pass.withoutGradients)
    }
    guard var gradients else { return [] }
    if count > 1 { gradients.scale(by: 1 / Float(count)) }
    func mean(_ value: (Pass) -> Double) -> Double { passes.reduce(0) { $0 + value($1) } / Double(count) }
    let loss = mean { $0.reconstruction.loss + $0.quantizerLoss }
    let report = try optimization.step(&gradients, loss: loss)
    let squared = mean(\.reconstruction.squared)
    var values = [
      ("loss", loss), ("absolute", mean(\.reconstruction.absolute)), ("squared", squared),
      ("psnr", ReconstructionLoss.peakSignalToNoise(squared)), ("commitment", mean(\.quantizerLoss)),
    ]
    let counts = passes.map(\.counts).reduce([]) { sum, counts in sum.isEmpty ? counts : zip(sum, counts).map(+) }
    if !counts.isEmpty { values += try CodeUsage(histogram: counts).logged }
    return values + [("gradient_norm", report.gradientNorm), ("rate", report.rate)]
  }

  /// What a batch says.
  private struct Pass {
    var gradients: ParameterSet
    let reconstruction: ReconstructionLoss
    let quantizerLoss: Double
    let counts: [Int]

    var withoutGradients: Pass {
      Pass(gradients: ParameterSet(), reconstruction: reconstruction, quantizerLoss: quantizerLoss, counts: counts)
    }
  }

  private func pass(_ batch: ImageBatch, iteration: Int) throws -> Pass {
    let tape = Tape(optimization.parameters)
    let latents = try latents(tape, of: batch.images)
    let quantized =
      step < settings.codebook.startStep
      ? quantizer.unquantized(tape, latents)
      : try quantizer.quantize(tape, latents, noise: noise, iteration: iteration)
    let images = try graph.images(tape, of: quantized.node)
    let reconstruction = ReconstructionLoss(images.value, target: batch.images, factors: settings.reconstruction)
    return Pass(
      gradients: try tape.gradients(from: images, reconstruction.gradient), reconstruction: reconstruction,
      quantizerLoss: quantized.loss, counts: quantized.counts)
  }

  private func latents(_ tape: Tape, of images: FloatTensor) throws -> Node {
    guard let frozen else { return try graph.latents(tape, of: images) }
    return tape.constant(try graph.latents(Tape(frozen), of: images).value)
  }

  /// The most latents that k-means is given: more take memory and time, and hardly move a cluster.
  private static let clusteredLatentsLimit = 1 << 18

  /// Codes begin as the clusters of the latents of the batches to come.
  private func clusterLatents() throws {
    let (width, codes) = (graph.codeDimension, graph.facts.codes)
    var latents: [Float] = []
    var iteration = step * settings.optimization.accumulation
    let wanted = max(codes, min(settings.codebook.clusteredLatents * codes, Self.clusteredLatentsLimit))
    while latents.count < wanted * width {
      latents += try self.latents(Tape(optimization.parameters), of: batches.batch(iteration).images).value.values
      iteration += 1
    }
    var rows = FloatTensor(latents, shape: [latents.count / width, width])
    if settings.codebook.cosine { rows = rows.normalizedRows() }
    let clusters = try KMeans(rows, codes: codes, seed: settings.optimization.seed)
    guard quantizer.average != nil else {
      return try optimization.replace(type(of: graph).codesName, with: clusters.codes)
    }
    try quantizer.begin(with: clusters, latentsOfABatch: settings.optimization.batch * graph.layout().count)
  }
}

// What a run asks of it.
extension AutoencoderTrainer {
  static var plot: [PlotPanel] {
    [
      PlotPanel(title: "loss", isLogarithmic: true, values: ["loss", "absolute", "squared", "commitment"]),
      PlotPanel(title: "PSNR, dB", isLogarithmic: false, values: ["psnr", "validation_psnr"]),
      PlotPanel(title: "codebook", isLogarithmic: false, values: ["perplexity", "codes_used"]),
      PlotPanel(title: "learning rate", isLogarithmic: false, isSmoothed: false, values: ["rate"]),
    ]
  }

  func state() throws -> RunState {
    try optimization.stored() + RunState(tensors: quantizer.stored, texts: [:])
  }

  func restore(from state: RunState.Saved) throws {
    var (optimization, quantizer) = (optimization, quantizer)
    try quantizer.restore(from: state.file)
    try optimization.restore(from: state)
    (self.optimization, self.quantizer) = (optimization, quantizer)
  }

  /// The autoencoder as it is used.
  var trained: TrainedModel.Autoencoder {
    let (configuration, name) = graph.trained(comparesByAngle: settings.codebook.cosine)
    let parameters = optimization.averaged
    let codes = quantizer.exported(parameters).map { [(name: name, tensor: $0)] } ?? []
    let sources = [parameters.source(with: codes)] + (frozen.map { [$0.source()] } ?? [])
    return TrainedModel.Autoencoder(configuration, sources)
  }

  func validate() throws -> [(name: String, value: Double)] {
    guard let validation else { return [] }
    return try validation.reconstruction(by: trained.tokenizer())
  }

  func writeModel(to folder: URL) throws { try TrainedModel(trained).write(to: folder) }

  func writeSamples(to file: URL, model: URL, cancellation: Cancellation) throws {
    let images = try validation?.first(32) ?? batches.batch(0).images
    let tokenizer = try trained.tokenizer()
    let originals = rgbImages(images)
    let rebuilt = try rgbImages(tokenizer.decode(tokenizer.encode(images.unitRange)).signedRange)
    try SampleGrid.reconstructions(zip(originals, rebuilt).prefix(32).map { ($0, $1) }).write(to: file, creatingFolders: true)
  }
}
