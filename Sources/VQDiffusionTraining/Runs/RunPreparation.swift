import Checkpoint
import Foundation
import Tensor
import Training
import Transformer
import VQDiffusion
import VQVAE

/// What lies between a run's description and its first step: data, networks, tokens.
struct RunPreparation {
  let run: TrainingRun
  let folder: RunFolder
  let cancellation: Cancellation
  let report: @Sendable (TrainingEvent) -> Void

  /// Makes the run.
  ///
  /// A new run's folder is made only when data and networks have been found in order.
  func perform(isNew: Bool) throws -> TrainingSummary {
    switch run.task {
    case .autoencoder(let settings): try autoencoder(settings, isNew: isNew)
    case .refit(let settings, let model): try refit(settings, TrainedModel.Autoencoder(of: location(model)), isNew: isNew)
    case .denoiser(let settings, let model):
      try denoiser(settings, TrainedModel.Autoencoder(of: location(model)), isNew: isNew)
    case .guidance(let settings, let model): try guidance(settings, location(model), isNew: isNew)
    }
  }

  private func location(_ model: String?) -> ModelLocation { ModelLocation(model.map { URL(fileURLWithPath: $0) }) }

  private func autoencoder(_ settings: AutoencoderSettings, isNew: Bool) throws -> TrainingSummary {
    let images = try images(run.images, side: settings.network.resolution, of: settings.network)
    let trainer = try AutoencoderTrainer(
      settings, batches: batches(images, settings.optimization, settings.augmentation),
      validation: validation(settings.network, settings.reports))
    let lock = try enter(isNew)
    return try train(trainer, images.dataset, images, settings.optimization, settings.reports, lock)
  }

  private func refit(
    _ settings: RefitSettings, _ autoencoder: TrainedModel.Autoencoder, isNew: Bool
  ) throws -> TrainingSummary {
    let images = try images(run.images, side: autoencoder.configuration.resolution, of: autoencoder.configuration)
    let trainer = try Refit(settings, autoencoder).trainer(
      batches: batches(images, settings.optimization, settings.augmentation),
      validation: validation(autoencoder.configuration, settings.reports), findsCodes: isNew || !folder.hasState)
    let lock = try enter(isNew)
    return try train(
      trainer, images.dataset, images, settings.optimization, settings.reports, lock, model: autoencoder.fingerprint())
  }

  private func denoiser(
    _ settings: DenoiserSettings, _ autoencoder: TrainedModel.Autoencoder, isNew: Bool
  ) throws -> TrainingSummary {
    let images = try images(
      run.images, side: autoencoder.configuration.resolution, of: autoencoder.configuration, keepsPixels: false)
    let configuration = try settings.configuration(for: autoencoder.configuration, classes: images.dataset.labels.count)
    let parameters = try ParameterSet(initial: configuration, seed: settings.optimization.seed)
    let denoiser = TrainedModel.Denoiser(
      name: folder.url.lastPathComponent, configuration,
      SchedulerConfiguration(settings.kernel, timesteps: configuration.timesteps),
      labels: LabelSet(images.dataset.labels), tensors: [parameters.source()])
    return try train(settings, parameters, TrainedModel(autoencoder, denoiser), images, isNew: isNew)
  }

  private func guidance(_ settings: GuidanceSettings, _ location: ModelLocation, isNew: Bool) throws -> TrainingSummary {
    let autoencoder = try TrainedModel.Autoencoder(of: location)
    let images = try images(
      run.images, side: autoencoder.configuration.resolution, of: autoencoder.configuration, keepsPixels: false)
    let denoiser = try TrainedModel.Denoiser(of: location)
    guard denoiser.configuration.codebookSize == autoencoder.configuration.codes else {
      throw TrainingRunError.unsuitableModel(
        model: location.url?.path ?? "the built-in model",
        expected: "a denoiser of all \(autoencoder.configuration.codes) codes that the autoencoder has",
        found: "one of \(denoiser.configuration.codebookSize)")
    }
    let tuning = try GuidanceTuning(
      settings, denoiser, classes: images.dataset.labels.count, data: run.images)
    return try train(
      tuning.settings, tuning.parameters, TrainedModel(autoencoder, tuning.denoiser), images, frozenRow: tuning.frozenRow,
      isNew: isNew)
  }

  private func train(
    _ settings: DenoiserSettings, _ parameters: ParameterSet, _ model: TrainedModel, _ images: PreparedImages,
    frozenRow: Int? = nil, isNew: Bool
  ) throws -> TrainingSummary {
    let labels = model.denoiser?.labels ?? LabelSet([])
    let classes = try ClassMapping(images.dataset, to: labels)
    let validation = try validation(model.autoencoder.configuration, settings.reports)
    let validationClasses = try validation.map { try ClassMapping($0.images.dataset, to: labels) }
    let lock = try enter(isNew)
    let codec = try model.autoencoder.model()
    let origin = try model.autoencoder.fingerprint()
    let tokens = try tokens(images, by: codec, origin, mirrored: settings.augmentation.flips).mapped(by: classes)
    let validationTokens = try validation.map {
      try TokenSet($0.images, by: codec, mirrored: false, limit: settings.reports.validationImages) { _ in
        try cancellation.check()
      }
    }
    let trainer = try DenoiserTrainer(
      settings, parameters, model: model, tokens: tokens,
      validation: validationClasses.flatMap { validationTokens?.mapped(by: $0) } ?? validationTokens, frozenRow: frozenRow)
    // Those of a set that was encoded before the run was resumed have been named then.
    return try train(
      trainer, images.dataset, images, settings.optimization, settings.reports, lock,
      model: origin + parameters.fingerprint(), unreadable: images.dataset.count - tokens.count)
  }

  /// Takes the run's folder, which a new run makes.
  private func enter(_ isNew: Bool) throws -> RunLock {
    if isNew { try folder.begin(run) }
    let lock = try RunLock(folder.url)
    folder.sweep()
    return lock
  }

  /// - Parameters:
  ///   - model: what the model that is trained on is recognised by; empty where training begins from nothing.
  ///   - unreadable: images that were found to be so before.
  private func train(
    _ trainer: some Trainer, _ dataset: ImageDataset, _ images: PreparedImages, _ optimization: OptimizationSettings,
    _ reports: ReportSettings, _ lock: RunLock, model: String = "", unreadable: Int = 0
  ) throws -> TrainingSummary {
    let loop = TrainingLoop(
      folder: folder, reports: reports, steps: optimization.steps, imagesPerStep: optimization.batch * optimization.accumulation,
      identity: [
        ("images", dataset.fingerprint), ("model", model), ("settings", try RunState.text(run.task.withoutReports)),
      ], cancellation: cancellation, report: report)
    let values = try withExtendedLifetime(lock) { try loop.run(trainer) }
    let summary = TrainingSummary(model: folder.model, values: values, unreadable: max(unreadable, images.unreadable))
    report(.finished(summary))
    return summary
  }
}

// Data.
extension RunPreparation {
  /// - Parameter keepsPixels: whether images are looked at again and again, and so kept while they fit into memory.
  private func images(
    _ path: String, side: Int, of network: VQModelConfiguration, keepsPixels: Bool = true
  ) throws -> PreparedImages {
    guard side.isMultiple(of: network.downsamplingFactor) else {
      throw TrainingRunError.unfittingSize(
        expected: "a resolution that is a multiple of the \(network.downsamplingFactor) pixels a token", found: "\(side)")
    }
    let dataset = try ImageDataset(at: URL(fileURLWithPath: path))
    report(.data(location: dataset.location, images: dataset.count, classes: dataset.labels.count))
    return PreparedImages(
      dataset, size: ImageSize(width: side, height: side), memoryBudget: keepsPixels ? 1 << 30 : 0
    ) { [report] name, error in
      report(.unreadable(image: name, reason: error.description))
    }
  }

  private func batches(
    _ images: PreparedImages, _ optimization: OptimizationSettings, _ augmentation: AugmentationSettings
  ) -> ImageBatches {
    ImageBatches(images, batch: optimization.batch, settings: augmentation.loading, seed: optimization.seed)
  }

  private func validation(_ network: VQModelConfiguration, _ reports: ReportSettings) throws -> ValidationImages? {
    try run.validation.map {
      try ValidationImages(images($0, side: network.resolution, of: network), limit: reports.validationImages)
    }
  }

  /// The images' tokens: those of the folder where they are of these images and this autoencoder.
  private func tokens(
    _ images: PreparedImages, by codec: VQModel, _ autoencoder: String, mirrored: Bool
  ) throws -> TokenSet {
    let origin = "images \(images.dataset.fingerprint), autoencoder \(autoencoder), mirrored \(mirrored)"
    if let kept = TokenSet(of: folder.tokens, origin: origin) { return kept }
    let tokens = try TokenSet(images, by: codec, mirrored: mirrored) { share in
      report(.encoding(share: share))
      try cancellation.check()
    }
    try tokens.write(to: folder.tokens, origin: origin)
    return tokens
  }
}

extension AugmentationSettings {
  var loading: ImageBatches.Settings { .init(flips: flips, cropPadding: cropPadding > 0 ? cropPadding : nil) }
}

extension TrainedModel.Autoencoder {
  /// A number of its tensors, as 16 hexadecimal digits.
  func fingerprint() throws -> String { try ParameterSet(Weights(tensors)).fingerprint() }
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

extension DenoiserSettings {
  /// The network for an autoencoder's tokens and so many classes; "no class" is the last row where labels are dropped.
  ///
  /// - Throws: `TransformerError.invalidConfiguration`.
  func configuration(for autoencoder: VQModelConfiguration, classes: Int) throws -> DenoiserConfiguration {
    let side = autoencoder.resolution / autoencoder.downsamplingFactor
    let (isConditional, drops) = (classes > 0, labelDropout > 0)
    let configuration = DenoiserConfiguration(
      kind: isConditional ? .classConditional : .unconditional, classRows: isConditional ? classes + (drops ? 1 : 0) : nil,
      unconditionalClass: isConditional && drops ? classes : nil, classNorm: isConditional ? .layerNorm : nil,
      timestepNorm: .layerNorm, layers: network.layers, width: network.width, heads: network.heads, mlp: network.mlp,
      mlpHiddenMultiplier: network.mlpHiddenMultiplier, activation: network.activation, grid: [side, side],
      positionTable: [side, side], positionKind: .embedding, codebookSize: autoencoder.codes, timesteps: network.timesteps)
    try configuration.validate()
    return configuration
  }
}
