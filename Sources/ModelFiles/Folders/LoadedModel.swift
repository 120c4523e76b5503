import Diffusion
import Foundation
import Tensor
import Transformer
import VQVAE

/// All parts of a model, loaded and found to fit together.
package struct LoadedModel: Sendable {
  package let name: String
  package let labels: LabelSet
  /// The model's own sampling settings.
  package let settings: SamplingSettings
  package let network: any DenoisingNetwork
  package let tokenizer: any ImageTokenizer
  package let corruption: any Corruption
  /// Text encoder; nil for models without text conditioning, and for those that came without one.
  package let texts: TextConditioner?

  /// - Throws: `ModelFileError`, `CheckpointError`, `TransformerError`, `VQVAEError` or `CLIPTextError`, each naming the part.
  package init(_ location: ModelLocation, options: ComputeOptions) throws {
    let source = try location.source()
    // What is cheap to check comes before the weights.
    name = try source.name()
    let stated = try source.defaults()
    let facts = try source.networkConfiguration().facts
    let corruption = try source.corruption(for: facts)
    settings = try source.settings(stated, corruption: corruption, facts: facts)
    labels = try source.labels()
    guard labels.entries.count <= facts.classCount else {
      throw ModelFileError.mismatchedParts(
        folder: source.location, expected: "at most \(facts.classCount) labels", found: "\(labels.names.count)")
    }
    network = try Log.timed("loaded the transformer", ["model": "\(source.location)"]) {
      try source.network(options: options)
    }
    tokenizer = try Log.timed("loaded the autoencoder") { try Self.tokenizer(source, for: facts, options: options) }
    texts = try facts.takesTexts ? source.textConditioner(for: facts, options: options) : nil
    self.corruption = corruption
  }

  /// The tokenizer that goes with a denoising network.
  ///
  /// - Throws: `ModelFileError.mismatchedParts` unless the codes are as many as the network's, and its layout one of the tokenizer's.
  package static func tokenizer(
    _ source: any ModelSource, for facts: NetworkFacts, options: ComputeOptions
  ) throws -> any ImageTokenizer {
    let tokenizer = try source.tokenizer(reducedCodes: facts.codes, options: options)
    guard tokenizer.facts.codes == facts.codes else {
      throw ModelFileError.mismatchedParts(
        folder: source.location, expected: "\(facts.codes) codes, as the transformer has",
        found: "\(tokenizer.facts.codes) in the vqvae")
    }
    guard tokenizer.imageSize(of: facts.layout) != nil else {
      throw ModelFileError.mismatchedParts(
        folder: source.location, expected: "tokens that the vqvae can decode", found: "\(facts.layout) from the transformer")
    }
    return tokenizer
  }

  /// The tokenizer of files without a denoising network, and the layout of the images that it was trained on.
  ///
  /// - Throws: `ModelFileError.mismatchedParts` if those images don't give whole tokens.
  package static func tokenizerAlone(
    _ source: any ModelSource, options: ComputeOptions
  ) throws -> (tokenizer: any ImageTokenizer, layout: TokenLayout) {
    let configuration = try source.tokenizerConfiguration()
    let facts = configuration.facts
    guard let layout = configuration.nativeLayout else {
      throw ModelFileError.mismatchedParts(
        folder: source.location,
        expected: "a resolution that is a multiple of \(facts.pixelsPerToken ?? 1) pixels a token", found: "\(facts.height)")
    }
    return (try source.tokenizer(reducedCodes: facts.codes, options: options), layout)
  }
}
