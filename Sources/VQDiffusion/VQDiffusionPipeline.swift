import Diffusion
import Foundation
import ModelFiles
import Tensor
import Transformer
import VQVAE

/// From classes or texts to images: a denoising network, its corruption, an image tokenizer and, for texts, a text encoder.
///
///     let pipeline = try VQDiffusionPipeline.builtIn()
///     let images = try await pipeline.generate(labels: [pipeline.label("horse")], count: 4)
public struct VQDiffusionPipeline: Sendable {
  /// The model's name.
  public let name: String
  /// Class names; empty for an unconditional model.
  public let labels: LabelSet
  /// The model's own settings.
  public let defaultSettings: GenerationSettings
  public let network: any DenoisingNetwork
  /// The image tokenizer with the layout of the model's images.
  public let codec: ImageCodec
  /// Text encoder; nil for models without text conditioning, and for those that came without one.
  public let texts: TextConditioner?
  /// How tokens were corrupted in training.
  public let corruption: any Corruption
  /// How the networks compute.
  public let computeOptions: ComputeOptions

  /// Loads the model in a folder (see `ModelLocation` for what else a model can be).
  ///
  /// - Throws: as `init(_:options:)`.
  public init(contentsOf url: URL, options: ComputeOptions = ComputeOptions()) throws {
    try self.init(ModelLocation(url), options: options)
  }

  /// Loads a model.
  ///
  /// - Parameter options: how its networks compute.
  /// - Throws: `ModelFileError`, `CheckpointError`, `TransformerError`, `VQVAEError` or `CLIPTextError`, each naming the part.
  public init(_ location: ModelLocation, options: ComputeOptions = ComputeOptions()) throws {
    let model = try LoadedModel(location, options: options)
    (name, labels, texts, corruption) = (model.name, model.labels, model.texts, model.corruption)
    (network, computeOptions) = (model.network, options)
    codec = try ImageCodec(model.tokenizer, layout: model.network.facts.layout, model: model.name)
    defaultSettings = GenerationSettings(model.settings)
  }

  /// A model of parts that other code has made: networks and tokenizers of families that this package doesn't know.
  ///
  /// - Parameters:
  ///   - network: conditioned on classes or on nothing; texts need a text encoder, which comes from a model's files.
  ///   - corruption: how tokens were corrupted in training.
  ///   - labels: class names in index order; empty where classes have none.
  ///   - settings: the model's own settings; nil for ancestral sampling in 25 steps, or as near as the corruption allows.
  ///   - options: how the networks compute, for the images' records.
  /// - Throws: `TransformerError.invalidConfiguration` for facts that make no sense; `PipelineError.mismatchedParts` for parts that don't
  ///   fit together; `PipelineError.guidanceUnavailable`, `DiffusionError` for settings that the model can't meet.
  public init(
    name: String, network: any DenoisingNetwork, tokenizer: any ImageTokenizer, corruption: any Corruption,
    labels: LabelSet = LabelSet([]), settings: GenerationSettings? = nil, options: ComputeOptions = ComputeOptions()
  ) throws {
    let facts = network.facts
    try facts.validate()
    func require(_ isTrue: Bool, _ expected: String, _ found: String) throws(PipelineError) {
      if !isTrue { throw .mismatchedParts(model: name, expected: expected, found: found) }
    }
    let codes = facts.codes
    try require(!facts.takesTexts, "a network of classes, or of no condition", "one of texts, which needs a model's files")
    try require(tokenizer.facts.codes == codes, "\(codes) codes, as the network has", "\(tokenizer.facts.codes) in the tokenizer")
    try require(corruption.codes == codes, "\(codes) codes, as the network has", "\(corruption.codes) in the corruption")
    try require(
      facts.timesteps ?? corruption.timesteps == corruption.timesteps,
      "\(facts.timesteps ?? 0) timesteps, as the network has", "\(corruption.timesteps) in the corruption")
    try require(
      labels.entries.count <= facts.classCount, "at most \(facts.classCount) labels", "\(labels.entries.count)")
    (self.name, self.network, self.corruption, self.labels) = (name, network, corruption, labels)
    (texts, computeOptions) = (nil, options)
    codec = try ImageCodec(tokenizer, layout: facts.layout, model: name)
    defaultSettings =
      try settings
      ?? GenerationSettings(
        StatedSettings().settings(corruption: corruption, layout: facts.layout, canGuide: facts.canBeGuided))
    try defaultSettings.sampling.validate()
    _ = try defaultSettings.sampling.sampler(corruption, layout: facts.layout)
    guard defaultSettings.guidanceScale == 1 || facts.canBeGuided else {
      throw PipelineError.guidanceUnavailable(reason: "the network has no \"no class\"")
    }
  }

  /// The model that comes with the package: CIFAR-10, 32×32 pixels, ten classes.
  public static func builtIn(options: ComputeOptions = ComputeOptions()) throws -> VQDiffusionPipeline {
    try VQDiffusionPipeline(.builtIn, options: options)
  }

  /// The denoising network of a model, of which nothing else is read.
  ///
  /// - Throws: `ModelFileError`, `CheckpointError` or `TransformerError`, each naming the part.
  public static func network(
    _ location: ModelLocation, options: ComputeOptions = ComputeOptions()
  ) throws -> any DenoisingNetwork {
    let source = try location.source()
    return try Log.timed("loaded the transformer", ["model": "\(source.location)"]) { try source.network(options: options) }
  }

  /// The number of classes that images can be asked of; 0 for a model without classes.
  public var classCount: Int { network.facts.classCount }

  /// Height and width of a generated image in pixels.
  public var imageSize: (height: Int, width: Int) {
    (codec.imageSize.height, codec.imageSize.width)
  }

  /// The tokens of images (see `ImageCodec.encode`).
  public func encode(_ images: [RGBImage]) throws -> ImageTokens { try codec.encode(images) }

  /// The images of tokens (see `ImageCodec.decode`).
  public func decode(_ tokens: ImageTokens) throws -> [RGBImage] { try codec.decode(tokens) }
}

// Classes by name.
extension VQDiffusionPipeline {
  /// The index of a class by its name, a synonym, its WordNet id, its index, or the start of its name
  /// (see `LabelSet.index(of:classes:)`).
  ///
  /// - Throws: `ModelFileError.unknownLabel` with the nearest names, `.ambiguousLabel`.
  public func label(_ name: String) throws(ModelFileError) -> Int {
    try labels.index(of: name, classes: classCount)
  }

  /// The indices of classes as users name them: each a class (see `label(_:)`), several separated by commas, or `all`.
  ///
  /// - Throws: `ModelFileError.unknownLabel`, `.ambiguousLabel`; `PipelineError.labelsForUnconditionalModel`, `.wrongSubjects`.
  public func labels(_ names: [String]) throws -> [Int] {
    guard classCount > 0 || names.isEmpty else {
      throw network.facts.takesTexts
        ? PipelineError.wrongSubjects(expected: "texts", found: names.count == 1 ? "a class" : "\(names.count) classes")
        : PipelineError.labelsForUnconditionalModel(found: names.count)
    }
    var indices: [Int] = []
    for name in names {
      if name.lowercased() == "all" {
        indices += 0..<classCount
      } else if name.contains(","), (try? label(name)) == nil {
        // A class's own name may hold commas, so they separate only where the whole is no name.
        for part in name.split(separator: ",") { indices.append(try label(String(part))) }
      } else {
        indices.append(try label(name))
      }
    }
    return indices
  }
}
