import Checkpoint
import Foundation
import Transformer
import VQVAE

/// A model as training leaves it, to be written as a folder of this project's layout (see `ModelFolder`).
package struct TrainedModel {
  package struct Autoencoder {
    package let configuration: VQModelConfiguration
    package let tensors: [any TensorSource]

    package init(_ configuration: VQModelConfiguration, _ tensors: [any TensorSource]) {
      (self.configuration, self.tensors) = (configuration, tensors)
    }

    /// The autoencoder of a model, under this project's names.
    ///
    /// - Throws: `PipelineError`, `CheckpointError`.
    package init(of location: ModelLocation) throws {
      let source = try location.source()
      self.init(try source.vqModelConfiguration(), try source.tensors(of: .vqvae))
    }

    /// The network, loaded.
    ///
    /// - Throws: `CheckpointError`, `VQVAEError`.
    package func model() throws -> VQModel { try VQModel(configuration, weights: Weights(tensors)) }
  }

  package struct Denoiser {
    package let name: String
    package let configuration: DenoiserConfiguration
    package let scheduler: SchedulerConfiguration
    package let labels: LabelSet
    package let tensors: [any TensorSource]
    fileprivate let defaults: GenerationDefaults?

    package init(
      name: String, _ configuration: DenoiserConfiguration, _ scheduler: SchedulerConfiguration, labels: LabelSet,
      tensors: [any TensorSource]
    ) {
      (self.name, self.configuration, self.scheduler) = (name, configuration, scheduler)
      (self.labels, self.tensors) = (labels, tensors)
      var defaults = GenerationDefaults()
      // Purity sampling reveals masks; a kernel that only replaces has none.
      if scheduler.kind != CorruptionKind.uniform.rawValue { defaults.sampler = SamplingMethod.Name.purity.rawValue }
      if configuration.unconditionalClass != nil { defaults.guidanceScale = Self.usualGuidance }
      self.defaults = defaults
    }

    /// The denoiser of a model; what its folder says of default settings stays.
    ///
    /// - Throws: `PipelineError`, `CheckpointError`.
    package init(of location: ModelLocation) throws {
      let source = try location.source()
      (name, labels, defaults) = (try source.name(), try source.labels(), try source.defaults())
      (configuration, scheduler) = (try source.denoiserConfiguration(), try source.scheduler())
      tensors = try source.tensors(of: .transformer)
    }

    private init(
      _ other: Denoiser, _ configuration: DenoiserConfiguration, _ tensors: [any TensorSource], _ defaults: GenerationDefaults?
    ) {
      (name, scheduler, labels, self.defaults) = (other.name, other.scheduler, other.labels, defaults)
      (self.configuration, self.tensors) = (configuration, tensors)
    }

    /// The same with another network.
    package func with(_ configuration: DenoiserConfiguration, tensors: [any TensorSource]) -> Denoiser {
      Denoiser(self, configuration, tensors, defaults)
    }

    /// The same with a network that has learned "no class", which is then used unless the model says how already.
    package func guided(_ configuration: DenoiserConfiguration, tensors: [any TensorSource]) -> Denoiser {
      var defaults = defaults ?? GenerationDefaults()
      if defaults.guidanceScale ?? 1 == 1 { defaults.guidanceScale = Self.usualGuidance }
      return Denoiser(self, configuration, tensors, defaults)
    }

    /// The guidance scale of models that don't say otherwise.
    private static let usualGuidance = 2.0
  }

  package var autoencoder: Autoencoder
  /// nil of an autoencoder alone.
  package var denoiser: Denoiser?

  package init(_ autoencoder: Autoencoder, _ denoiser: Denoiser? = nil) {
    (self.autoencoder, self.denoiser) = (autoencoder, denoiser)
  }

  /// Writes the folder, in place of one that is there already.
  ///
  /// Nobody sees a folder half written. Between the moments when the old one goes and the new one comes there is none.
  ///
  /// - Throws: `PipelineError.unwritable`, `CheckpointError`; the old folder is then as it was.
  package func write(to url: URL) throws {
    try AtomicFolder.replace(url) { folder in
      try write("vqvae", autoencoder.configuration, autoencoder.tensors, in: folder)
      guard let denoiser else { return }
      try write("transformer", denoiser.configuration, denoiser.tensors, in: folder)
      let index = ModelFolder.Index(format: 1, name: denoiser.name, defaults: denoiser.defaults)
      try write(index, to: "model_index.json", in: folder)
      try write(denoiser.scheduler, to: "scheduler/config.json", in: folder)
      if !denoiser.labels.entries.isEmpty { try write(denoiser.labels, to: "labels.json", in: folder) }
    }
  }

  private func write(
    _ part: String, _ configuration: some Encodable, _ sources: [any TensorSource], in folder: URL
  ) throws {
    try write(configuration, to: "\(part)/config.json", in: folder)
    let stored = try sources.flatMap { source in try source.names.map { try StoredTensor($0, $0, of: source) } }
    try SafetensorsFile.write(stored, to: folder.appendingPathComponent("\(part)/model.safetensors"))
  }

  private func write(_ document: some Encodable, to path: String, in folder: URL) throws {
    let file = folder.appendingPathComponent(path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try ModelDocuments.json(document).write(to: file)
  }
}
