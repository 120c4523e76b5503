import Diffusion
import Foundation
import Tensor
import Transformer
import VQVAE

/// From classes or texts to images: a denoiser, its corruption schedule, an image autoencoder and, for texts, a text encoder.
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
  public let transformer: DenoisingTransformer
  /// The autoencoder with the grid of the model's images.
  public let codec: ImageCodec
  /// What turns texts into vectors; nil in a model that takes none, and in one that came without its text encoder.
  public let texts: TextConditioner?
  /// How tokens were corrupted in training.
  public let kernel: any CorruptionKernel
  /// How the networks compute: `ComputeOptions.current` as it was while they were loaded.
  public let computeOptions: ComputeOptions

  /// Loads the model in a folder (see `ModelLocation` for what else a model can be).
  ///
  /// - Throws: as `init(_:)`.
  public init(contentsOf url: URL) throws { try self.init(ModelLocation(url)) }

  /// Loads a model.
  ///
  /// - Throws: `PipelineError`, `CheckpointError`, `TransformerError`, `VQVAEError` or `CLIPTextError`, each naming the part.
  public init(_ location: ModelLocation) throws {
    computeOptions = ComputeOptions.current
    let source = try location.source()
    name = try source.name()
    let defaults = try source.defaults()
    let transformer = try Log.timed("loaded the transformer", ["model": "\(source.location)"]) { try source.denoiser() }
    let configuration = transformer.configuration
    let codec = try Log.timed("loaded the autoencoder") { try ImageCodec(source, for: configuration) }
    let kernel = try source.kernel(for: configuration)
    texts = try configuration.kind == .text ? source.textConditioner(for: configuration) : nil
    labels = try source.labels()
    defaultSettings = try source.settings(defaults, kernel: kernel, configuration: configuration)
    self.transformer = transformer
    self.codec = codec
    self.kernel = kernel
    guard labels.entries.count <= classCount else {
      throw PipelineError.mismatchedParts(
        folder: source.location, expected: "at most \(classCount) labels", found: "\(labels.names.count)")
    }
  }

  /// The model that comes with the package: CIFAR-10, 32×32 pixels, ten classes.
  public static func builtIn() throws -> VQDiffusionPipeline {
    try VQDiffusionPipeline(.builtIn)
  }

  public var vqModel: VQModel { codec.vqModel }

  /// Classes that images can be asked of: all rows of the class table but the "no class" one; 0 for a model without classes.
  public var classCount: Int {
    let configuration = transformer.configuration
    return (configuration.classRows ?? 0) - (configuration.unconditionalClass == nil ? 0 : 1)
  }

  /// The index of a class by its name, a synonym, its WordNet id, its index, or the start of its name
  /// (see `LabelSet.index(of:classes:)`).
  ///
  /// - Throws: `PipelineError.unknownLabel` with the nearest names, `.ambiguousLabel`.
  public func label(_ name: String) throws(PipelineError) -> Int {
    try labels.index(of: name, classes: classCount)
  }

  /// The indices of classes as users name them: each a class (see `label(_:)`), several separated by commas, or `all`.
  ///
  /// - Throws: `PipelineError.unknownLabel`, `.ambiguousLabel`, `.labelsForUnconditionalModel`, `.wrongSubjects`.
  public func labels(_ names: [String]) throws(PipelineError) -> [Int] {
    guard classCount > 0 || names.isEmpty else {
      throw transformer.configuration.kind == .text
        ? .wrongSubjects(expected: "texts", found: names.count == 1 ? "a class" : "\(names.count) classes")
        : .labelsForUnconditionalModel(found: names.count)
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

  /// Rows and columns of an image's tokens.
  var gridShape: GridShape { GridShape(rows: codec.rows, columns: codec.columns) }

  /// Height and width of a generated image in pixels.
  public var imageSize: (height: Int, width: Int) {
    (codec.imageSize.height, codec.imageSize.width)
  }

  /// The tokens of images (see `ImageCodec.encode`).
  public func encode(_ images: [RGBImage]) throws -> TokenGrid { try codec.encode(images) }

  /// The images of tokens (see `ImageCodec.decode`).
  public func decode(_ grid: TokenGrid) throws -> [RGBImage] { try codec.decode(grid) }
}
