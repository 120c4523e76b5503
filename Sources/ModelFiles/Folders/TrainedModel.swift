import Checkpoint
import Diffusion
import Files
import Foundation
import Transformer
import VQVAE

/// A model as training leaves it, to be written as a folder of this project's layout (see `ModelFolder`).
package struct TrainedModel {
  package struct Autoencoder {
    package let configuration: any TokenizerConfiguration
    package let tensors: [any TensorSource]

    package init(_ configuration: any TokenizerConfiguration, _ tensors: [any TensorSource]) {
      (self.configuration, self.tensors) = (configuration, tensors)
    }

    /// The autoencoder of a model, under this project's names.
    ///
    /// - Throws: `ModelFileError`, `CheckpointError`.
    package init(of location: ModelLocation) throws {
      let source = try location.source()
      self.init(try source.tokenizerConfiguration(), try source.tensors(of: .vqvae))
    }

    /// Loads the tokenizer.
    ///
    /// - Throws: `CheckpointError`, `VQVAEError`.
    package func tokenizer() throws -> any ImageTokenizer {
      try configuration.tokenizer(WeightLoader(tensors), codebookMap: nil)
    }
  }

  package struct Denoiser {
    package let name: String
    package let configuration: any NetworkConfiguration
    package let corruption: CorruptionConfiguration
    package let labels: LabelSet
    package let tensors: [any TensorSource]
    fileprivate let defaults: StatedSettings?

    package init(
      name: String, _ configuration: any NetworkConfiguration, _ corruption: CorruptionConfiguration, labels: LabelSet,
      tensors: [any TensorSource]
    ) {
      (self.name, self.configuration, self.corruption) = (name, configuration, corruption)
      (self.labels, self.tensors) = (labels, tensors)
      var defaults = StatedSettings()
      // Purity sampling reveals masks; a corruption that only replaces has none.
      if corruption.kind != CorruptionKind.uniform.rawValue { defaults.sampler = SamplingMethod.purity(weight: 1).name }
      if case .index = configuration.facts.noClass { defaults.guidanceScale = Self.usualGuidance }
      self.defaults = defaults
    }

    /// The denoiser of a model; what its folder says of default settings stays.
    ///
    /// - Throws: `ModelFileError`, `CheckpointError`.
    package init(of location: ModelLocation) throws {
      let source = try location.source()
      (name, labels, defaults) = (try source.name(), try source.labels(), try source.defaults())
      (configuration, corruption) = (try source.networkConfiguration(), try source.corruptionConfiguration())
      tensors = try source.tensors(of: .transformer)
    }

    private init(
      _ other: Denoiser, _ configuration: any NetworkConfiguration, _ tensors: [any TensorSource], _ defaults: StatedSettings?
    ) {
      (name, corruption, labels, self.defaults) = (other.name, other.corruption, other.labels, defaults)
      (self.configuration, self.tensors) = (configuration, tensors)
    }

    /// The same with another network.
    package func with(_ configuration: any NetworkConfiguration, tensors: [any TensorSource]) -> Denoiser {
      Denoiser(self, configuration, tensors, defaults)
    }

    /// The same with a network that has learned "no class", which is then used unless the model says how already.
    package func guided(_ configuration: any NetworkConfiguration, tensors: [any TensorSource]) -> Denoiser {
      var defaults = defaults ?? StatedSettings()
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
  /// - Throws: `ModelFileError.unwritable`, `CheckpointError`; the old folder is then as it was.
  package func write(to url: URL) throws {
    try ModelFileError.wrapping {
      try AtomicFolder.replace(url) { folder in
        try write("vqvae", NamedConfiguration(autoencoder.configuration), autoencoder.tensors, in: folder)
        guard let denoiser else { return }
        try write("transformer", NamedConfiguration(denoiser.configuration), denoiser.tensors, in: folder)
        let index = ModelFolder.Index(format: 1, name: denoiser.name, defaults: denoiser.defaults)
        try write(index, to: "model_index.json", in: folder)
        try write(denoiser.corruption, to: "scheduler/config.json", in: folder)
        if !denoiser.labels.entries.isEmpty { try write(denoiser.labels, to: "labels.json", in: folder) }
      }
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
