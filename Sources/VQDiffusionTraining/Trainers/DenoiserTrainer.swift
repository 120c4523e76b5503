import Checkpoint
import Diffusion
import Foundation
import ModelFiles
import Tensor
import TrainingCore
import Transformer
import VQDiffusion

/// Trains a denoiser on tokens.
final class DenoiserTrainer: Trainer {
  static let kind = "denoiser"

  private let settings: DenoiserTraining
  private let configuration: any NetworkConfiguration
  private let facts: NetworkFacts
  private let graph: any DenoiserGraph
  private let corruption: any Corruption
  private let loss: DenoiserLoss
  private let tokens: TokenSet
  private let validation: TokenSet?
  private let order: EpochOrder
  private let noise: TrainingNoise
  private let model: TrainedModel
  /// A row of every class table that stays as it is: "no class" where it isn't learned.
  private let frozenRow: FrozenRow?
  private var optimization: Optimization
  private var importance: TimestepImportance

  var step: Int { optimization.steps }

  /// - Parameters:
  ///   - parameters: of the denoiser, to begin with.
  ///   - model: what the run's model is apart from the denoiser's parameters.
  ///   - frozenRow: a class whose rows stay as they are.
  /// - Throws: `TransformerError.invalidConfiguration`, `TrainingError`, `ModelFileError.unusable`.
  init(
    _ settings: DenoiserTraining, _ parameters: ParameterSet, model: TrainedModel, tokens: TokenSet, validation: TokenSet?,
    frozenRow: Int? = nil
  ) throws {
    try settings.validate()
    guard let denoiser = model.denoiser else { preconditionFailure("a model without a denoiser") }
    self.settings = settings
    (configuration, self.model, self.tokens, self.validation) = (denoiser.configuration, model, tokens, validation)
    let graph = try DenoiserGraphs.graph(of: configuration)
    (self.graph, facts) = (graph, configuration.facts)
    corruption = try denoiser.corruption.corruption(codes: facts.codes, file: "scheduler")
    loss = try DenoiserLoss(settings.loss, corruption: corruption)
    noise = TrainingNoise(seed: settings.optimization.seed)
    order = EpochOrder(tokens.count, noise: noise)
    self.frozenRow = frozenRow.map { FrozenRow($0, of: graph.classTables, in: parameters) }
    optimization = try Optimization(settings.optimization, parameters)
    importance = TimestepImportance(timesteps: corruption.timesteps)
  }

  func advance() throws -> [(name: String, value: Double)] {
    let count = settings.optimization.accumulation
    var gradients: ParameterSet?
    var values: [DenoiserLoss.Value] = []
    // Every part of a step draws by the same law.
    var seen: [(losses: [Float], timesteps: [Int])] = []
    for part in 0..<count {
      let batch = try corruptedBatch(part)
      let tape = Tape(optimization.parameters)
      let logits = try graph.logits(
        tape, tokens: batch.corrupted, timesteps: batch.timesteps, classes: classes(of: part))
      var gradient = logits.value
      let value = try loss.replaceWithGradient(batch, logits: &gradient)
      var new = try tape.gradients(from: logits, gradient)
      if count > 1 { new.scale(by: Float(value.weight)) }
      gradients?.add(new)
      gradients = gradients ?? new
      values.append(value)
      seen.append((value.timestepLosses, batch.timesteps))
    }
    guard var gradients else { return [] }
    let weight = max(values.reduce(0) { $0 + $1.weight }, .leastNormalMagnitude)
    if count > 1 { gradients.scale(by: Float(1 / weight)) }
    for (losses, timesteps) in seen where settings.loss.importanceSampling && !losses.isEmpty {
      importance.record(losses, at: timesteps)
    }
    let loss = values.reduce(0) { $0 + $1.loss * $1.weight } / weight
    let report = try optimization.step(&gradients, loss: loss)
    try frozenRow?.restore(in: &optimization)
    let named = values[0].terms.indices.map { place in
      (values[0].terms[place].name, values.reduce(0) { $0 + $1.terms[place].value } / Double(count))
    }
    return [("loss", loss)] + named + [("gradient_norm", report.gradientNorm), ("rate", report.rate)]
  }

  /// The numbers, in the endless sequence of samples, of those of a part of the step to come.
  private func samples(of part: Int) -> Range<Int> {
    let batch = settings.optimization.batch
    let first = (step * settings.optimization.accumulation + part) * batch
    return first..<first + batch
  }

  private func corruptedBatch(_ part: Int) throws -> TrainingBatch {
    let samples = samples(of: part)
    let clean = samples.flatMap { sample -> ArraySlice<Int32> in
      let isMirrored = tokens.variants > 1 && noise.uniform(.flip, iteration: sample, number: 0) < 0.5
      return tokens.tokens(of: order[sample], variant: isMirrored ? 1 : 0)
    }
    let first = part * samples.count
    let draws = importance.draws(samples.count, noise: noise, iteration: step, first: first)
    let timesteps = draws.map(\.timestep)
    let corrupted = try ForwardCorruption(corruption: corruption).corrupt(
      clean, timesteps: timesteps, step: step, firstSample: first, noise: PhiloxNoise(seed: settings.optimization.seed))
    return try TrainingBatch(
      clean: clean, corrupted: corrupted, timesteps: timesteps, probabilities: draws.map(\.probability))
  }

  /// The classes of a part's samples, some of which are dropped.
  private func classes(of part: Int) -> [Int] {
    guard facts.classCount > 0 else { return [] }
    return samples(of: part).map { sample in
      if case .index(let none) = facts.noClass,
        noise.uniform(.labelDropout, iteration: sample, number: 0) < settings.labelDropout
      {
        return none
      }
      return tokens.classes[order[sample]]
    }
  }
}

// What a run asks of it.
extension DenoiserTrainer {
  static var plot: [PlotPanel] {
    [
      PlotPanel(title: "loss", isLogarithmic: true, values: ["loss", "bound", "auxiliary"]),
      PlotPanel(title: "held-out cross-entropy, nats a masked token", isLogarithmic: false, values: ["validation_cross_entropy"]),
      PlotPanel(title: "norm of the gradients", isLogarithmic: true, values: ["gradient_norm"]),
      PlotPanel(title: "learning rate", isLogarithmic: false, isSmoothed: false, values: ["rate"]),
    ]
  }

  func state() throws -> RunState {
    try optimization.stored() + RunState(tensors: [], texts: ["importance": RunState.text(importance)])
  }

  func restore(from state: RunState.Saved) throws {
    let importance: TimestepImportance = try state.value("importance")
    guard importance.timesteps == corruption.timesteps else {
      throw TrainingRunError.unreadableState(
        file: state.file.file, expected: "a history of \(corruption.timesteps) timesteps", found: "\(importance.timesteps)")
    }
    try optimization.restore(from: state)
    self.importance = importance
  }

  /// The model as it is used, with the averaged parameters.
  private var trained: TrainedModel {
    var model = model
    model.denoiser = model.denoiser?.with(configuration, tensors: [optimization.averaged.source()])
    return model
  }

  func validate() throws -> [(name: String, value: Double)] {
    guard let validation else { return [] }
    let network = try configuration.network(WeightLoader(optimization.averaged.source()))
    return [("validation_cross_entropy", try HeldOutCrossEntropy(validation, corruption: corruption)(network))]
  }

  func writeModel(to folder: URL) throws { try trained.write(to: folder) }

  func writeSamples(to file: URL, model: URL, cancellation: Cancellation) throws {
    let pipeline = try VQDiffusionPipeline(contentsOf: model)
    let classes = Array(0..<min(pipeline.classCount, 10))
    let images = try waitFor(cancellation) {
      try await pipeline.generate(labels: classes, count: classes.isEmpty ? 16 : 8).map(\.image)
    }
    let rows = stride(from: 0, to: images.count, by: 8).map { Array(images[$0..<min($0 + 8, images.count)]) }
    try SampleGrid.samples(rows).write(to: file, creatingFolders: true)
  }
}
