import ModelFiles
import TrainingCore
import Transformer

// What each kind of run prepares before its first step.

extension AutoencoderSettings: TrainingSettings {
  static var kind: TrainingRun.Task.Kind { .autoencoder }

  func perform(_ preparation: RunPreparation, model: String?, isNew: Bool) throws -> TrainingSummary {
    let images = try preparation.images(of: network)
    let graph = try TokenizerGraphs.graph(of: network)
    let trainer = try AutoencoderTrainer(
      training, graph, graph.initialParameters(seed: optimization.seed), frozen: nil,
      batches: preparation.batches(images, optimization, augmentation), validation: preparation.validation(network, reports))
    let lock = try preparation.enter(isNew)
    return try preparation.train(trainer, images, optimization, reports, lock)
  }
}

extension RefitSettings: TrainingSettings {
  static var kind: TrainingRun.Task.Kind { .refit }

  func perform(_ preparation: RunPreparation, model: String?, isNew: Bool) throws -> TrainingSummary {
    let autoencoder = try TrainedModel.Autoencoder(of: preparation.location(model))
    let images = try preparation.images(of: autoencoder.configuration)
    let trainer = try Refit(self, autoencoder).trainer(
      batches: preparation.batches(images, optimization, augmentation),
      validation: preparation.validation(autoencoder.configuration, reports),
      findsCodes: isNew || !preparation.folder.hasState)
    let lock = try preparation.enter(isNew)
    return try preparation.train(trainer, images, optimization, reports, lock, model: autoencoder.fingerprint())
  }
}

extension DenoiserSettings: TrainingSettings {
  static var kind: TrainingRun.Task.Kind { .denoiser }

  func perform(_ preparation: RunPreparation, model: String?, isNew: Bool) throws -> TrainingSummary {
    let autoencoder = try TrainedModel.Autoencoder(of: preparation.location(model))
    let images = try preparation.images(of: autoencoder.configuration, keepsPixels: false)
    let tokenizer = autoencoder.configuration
    guard case .grid(let rows, let columns) = tokenizer.nativeLayout else {
      throw TrainingRunError.unsuitableModel(
        model: preparation.location(model).url?.path ?? "the built-in model",
        expected: "an autoencoder that turns its training images into a grid of tokens",
        found: tokenizer.nativeLayout.map { "\($0)" } ?? "images of \(tokenizer.facts.width)×\(tokenizer.facts.height) pixels")
    }
    let configuration = try configuration(
      codes: tokenizer.facts.codes, grid: [rows, columns], classes: images.dataset.labels.count)
    let parameters = try DenoiserGraphs.graph(of: configuration).initialParameters(seed: optimization.seed)
    let denoiser = TrainedModel.Denoiser(
      name: preparation.folder.url.lastPathComponent, configuration,
      CorruptionConfiguration(corruption, timesteps: configuration.timesteps), labels: LabelSet(images.dataset.labels),
      tensors: [parameters.source()])
    return try preparation.train(training, parameters, TrainedModel(autoencoder, denoiser), images, isNew: isNew)
  }
}

extension GuidanceSettings: TrainingSettings {
  static var kind: TrainingRun.Task.Kind { .guidance }

  func perform(_ preparation: RunPreparation, model: String?, isNew: Bool) throws -> TrainingSummary {
    let location = preparation.location(model)
    let autoencoder = try TrainedModel.Autoencoder(of: location)
    let images = try preparation.images(of: autoencoder.configuration, keepsPixels: false)
    let denoiser = try TrainedModel.Denoiser(of: location)
    let (known, codes) = (denoiser.configuration.facts.codes, autoencoder.configuration.facts.codes)
    guard known == codes else {
      throw TrainingRunError.unsuitableModel(
        model: location.url?.path ?? "the built-in model",
        expected: "a denoiser of all \(codes) codes that the autoencoder has", found: "one of \(known)")
    }
    let tuning = try GuidanceTuning(
      self, denoiser, classes: images.dataset.labels.count, data: preparation.run.images)
    return try preparation.train(
      training, tuning.parameters, TrainedModel(autoencoder, tuning.denoiser), images, frozenRow: tuning.frozenRow,
      isNew: isNew)
  }
}
