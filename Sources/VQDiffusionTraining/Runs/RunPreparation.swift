import Checkpoint
import Foundation
import Images
import ModelFiles
import Tensor
import TrainingCore
import Transformer
import VQDiffusion
import VQVAE

/// The way from a run's description to its first step: data, networks, tokens.
///
/// A new run's folder is made only when data and networks have been found in order.
struct RunPreparation {
  let run: TrainingRun
  let folder: RunFolder
  let cancellation: Cancellation
  let report: @Sendable (TrainingEvent) -> Void

  /// Takes the run's folder, which a new run makes.
  func enter(_ isNew: Bool) throws -> RunLock {
    if isNew { try folder.begin(run) }
    let lock = try RunLock(folder.url)
    folder.sweep()
    return lock
  }

  /// Trains a denoiser on the tokens of a model's autoencoder.
  ///
  /// - Parameter frozenRow: a class whose rows stay as they are.
  func train(
    _ training: DenoiserTraining, _ parameters: ParameterSet, _ model: TrainedModel, _ images: PreparedImages,
    frozenRow: Int? = nil, isNew: Bool
  ) throws -> TrainingSummary {
    let labels = model.denoiser?.labels ?? LabelSet([])
    let classes = try ClassMapping(images.dataset, to: labels)
    let validation = try validation(model.autoencoder.configuration, training.reports)
    let validationClasses = try validation.map { try ClassMapping($0.images.dataset, to: labels) }
    let lock = try enter(isNew)
    let tokenizer = try model.autoencoder.tokenizer()
    let origin = try model.autoencoder.fingerprint()
    let tokens = try tokens(images, by: tokenizer, origin, mirrored: training.augmentation.flips).mapped(by: classes)
    let validationTokens = try validation.map {
      try TokenSet($0.images, by: tokenizer, mirrored: false, limit: training.reports.validationImages) { _ in
        try cancellation.check()
      }
    }
    let trainer = try DenoiserTrainer(
      training, parameters, model: model, tokens: tokens,
      validation: validationClasses.flatMap { validationTokens?.mapped(by: $0) } ?? validationTokens, frozenRow: frozenRow)
    // Those of a set that was encoded before the run was resumed have been named then.
    return try train(
      trainer, images, training.optimization, training.reports, lock, model: origin + parameters.fingerprint(),
      unreadable: images.dataset.count - tokens.count)
  }

  /// - Parameters:
  ///   - model: what the model that is trained on is recognised by; empty where training begins from nothing.
  ///   - unreadable: images that were found to be so before.
  func train(
    _ trainer: some Trainer, _ images: PreparedImages, _ optimization: OptimizationSettings, _ reports: ReportSettings,
    _ lock: RunLock, model: String = "", unreadable: Int = 0
  ) throws -> TrainingSummary {
    let loop = TrainingLoop(
      folder: folder, reports: reports, steps: optimization.steps, imagesPerStep: optimization.batch * optimization.accumulation,
      identity: [
        ("images", images.dataset.fingerprint), ("model", model), ("settings", try RunState.text(run.task.withoutReports)),
      ], cancellation: cancellation, report: report)
    let values = try withExtendedLifetime(lock) { try loop.run(trainer) }
    let summary = TrainingSummary(model: folder.model, values: values, unreadable: max(unreadable, images.unreadable))
    report(.finished(summary))
    return summary
  }
}

// Data.
extension RunPreparation {
  /// The location of the model that a run begins from.
  func location(_ model: String?) -> ModelLocation { ModelLocation(model.map { URL(fileURLWithPath: $0) }) }

  /// The run's images at the size that a tokenizer was, or is to be, trained on.
  ///
  /// - Parameter keepsPixels: whether images are looked at again and again, and so kept while they fit into memory.
  func images(of tokenizer: any TokenizerConfiguration, keepsPixels: Bool = true) throws -> PreparedImages {
    try images(run.images, of: tokenizer, keepsPixels: keepsPixels)
  }

  private func images(
    _ path: String, of tokenizer: any TokenizerConfiguration, keepsPixels: Bool = true
  ) throws -> PreparedImages {
    let facts = tokenizer.facts
    let pixels = facts.pixelsPerToken ?? 1
    for side in [facts.height, facts.width] where !side.isMultiple(of: pixels) {
      throw TrainingRunError.unfittingSize(
        expected: "a resolution that is a multiple of the \(pixels) pixels a token", found: "\(side)")
    }
    let dataset = try ImageDataset(at: URL(fileURLWithPath: path))
    report(.data(location: dataset.location, images: dataset.count, classes: dataset.labels.count))
    return PreparedImages(
      dataset, size: ImageSize(width: facts.width, height: facts.height), memoryBudget: keepsPixels ? 1 << 30 : 0
    ) { [report] name, error in
      report(.unreadable(image: name, reason: error.description))
    }
  }

  func batches(
    _ images: PreparedImages, _ optimization: OptimizationSettings, _ augmentation: AugmentationSettings
  ) -> ImageBatches {
    ImageBatches(images, batch: optimization.batch, settings: augmentation.loading, seed: optimization.seed)
  }

  func validation(_ tokenizer: any TokenizerConfiguration, _ reports: ReportSettings) throws -> ValidationImages? {
    try run.validation.map { try ValidationImages(images($0, of: tokenizer), limit: reports.validationImages) }
  }

  /// The images' tokens: those of the folder where they are of these images and this autoencoder.
  private func tokens(
    _ images: PreparedImages, by tokenizer: any ImageTokenizer, _ autoencoder: String, mirrored: Bool
  ) throws -> TokenSet {
    let origin = "images \(images.dataset.fingerprint), autoencoder \(autoencoder), mirrored \(mirrored)"
    if let kept = TokenSet(of: folder.tokens, origin: origin) { return kept }
    let tokens = try TokenSet(images, by: tokenizer, mirrored: mirrored) { share in
      report(.encoding(share: share))
      try cancellation.check()
    }
    try tokens.write(to: folder.tokens, origin: origin)
    return tokens
  }
}

extension AugmentationSettings {
  fileprivate var loading: ImageBatches.Settings { .init(flips: flips, cropPadding: cropPadding > 0 ? cropPadding : nil) }
}

extension TrainedModel.Autoencoder {
  /// A number of its tensors, as 16 hexadecimal digits.
  func fingerprint() throws -> String { try ParameterSet(WeightLoader(tensors)).fingerprint() }
}

extension ParameterSet {
  /// A number of the tensors and their names, as 16 hexadecimal digits.
  func fingerprint() -> String {
    var hash = FNV1a()
    for (place, name) in names.enumerated() {
      hash.add(name)
      for value in self[place].values { hash.add(Int(value.bitPattern)) }
    }
    return hash.digits
  }
}
