import Foundation
import Tensor
import Transformer
import VQVAE

/// The autoencoder of a model folder: images to tokens and back, without the denoiser's weights.
public struct ImageCodec: Sendable {
  public let vqModel: VQModel
  /// Rows and columns of tokens of the images that the model generates. The autoencoder takes other grids too.
  public let rows: Int
  public let columns: Int

  /// Loads the autoencoder of a model; the denoiser's configuration says which grid and how many codes the model has. Of an autoencoder
  /// alone the grid is that of images of its resolution.
  ///
  /// - Throws: `PipelineError`, `CheckpointError` or `VQVAEError`, each naming the part; `PipelineError.mismatchedParts` for an
  ///   autoencoder alone whose resolution isn't a multiple of `pixelsPerToken`.
  public init(_ location: ModelLocation) throws {
    let source = try location.source()
    if source.has(.vqvae), !source.has(.transformer) {
      try self.init(autoencoderOf: source)
    } else {
      try self.init(source, for: source.denoiserConfiguration())
    }
  }

  /// The same, of a model folder.
  ///
  /// - Throws: `PipelineError`, `CheckpointError` or `VQVAEError`, each naming the part.
  public init(contentsOf url: URL) throws {
    try self.init(ModelLocation(url))
  }

  /// - Throws: as `init(contentsOf:)`; `PipelineError.mismatchedParts` unless the codes are as many as the denoiser's.
  init(_ source: any ModelSource, for configuration: DenoiserConfiguration) throws {
    vqModel = try source.vqModel(reducedCodes: configuration.codebookSize)
    (rows, columns) = (configuration.grid[0], configuration.grid[1])
    guard vqModel.codes == configuration.codebookSize else {
      throw PipelineError.mismatchedParts(
        folder: source.location, expected: "\(configuration.codebookSize) codes, as the transformer has",
        found: "\(vqModel.codes) in the vqvae")
    }
  }

  private init(autoencoderOf source: any ModelSource) throws {
    let configuration = try source.vqModelConfiguration()
    guard configuration.resolution.isMultiple(of: configuration.downsamplingFactor) else {
      throw PipelineError.mismatchedParts(
        folder: source.location,
        expected: "a resolution that is a multiple of \(configuration.downsamplingFactor) pixels a token",
        found: "\(configuration.resolution)")
    }
    vqModel = try source.vqModel(reducedCodes: configuration.codes)
    let side = configuration.resolution / configuration.downsamplingFactor
    (rows, columns) = (side, side)
  }

  /// The codec of the model that comes with the package.
  public static func builtIn() throws -> ImageCodec { try ImageCodec(.builtIn) }

  /// Pixels of an image, in each direction, that one token stands for.
  public var pixelsPerToken: Int { vqModel.configuration.downsamplingFactor }

  /// The size of the images that the model generates, in pixels.
  public var imageSize: ImageSize { ImageSize(width: columns * pixelsPerToken, height: rows * pixelsPerToken) }

  /// The tokens of images of one size.
  ///
  /// - Throws: `VQVAEError.wrongImageSize` for sizes that aren't multiples of `pixelsPerToken` or that differ.
  public func encode(_ images: [RGBImage]) throws -> TokenGrid {
    try vqModel.encode(tensor(images))
  }

  /// The tokens of PNG or JPEG files of one size; nothing is resized.
  ///
  /// - Throws: `ImageError`; `PipelineError.unfittingImage` for sizes that aren't multiples of `pixelsPerToken` or that differ.
  public func encode(contentsOf urls: [URL]) throws -> TokenGrid {
    var images: [RGBImage] = []
    for url in urls {
      let image = try RGBImage(contentsOf: url)
      guard image.width.isMultiple(of: pixelsPerToken), image.height.isMultiple(of: pixelsPerToken) else {
        throw PipelineError.unfittingImage(
          file: url.path, expected: "sides that are multiples of \(pixelsPerToken) pixels", found: image.size)
      }
      if let first = images.first, first.size != image.size {
        throw PipelineError.unfittingImage(file: url.path, expected: "\(first.size) as the first image", found: image.size)
      }
      images.append(image)
    }
    return try encode(images)
  }

  /// The images of tokens.
  ///
  /// - Throws: `VQVAEError.tokenOutOfRange`.
  public func decode(_ grid: TokenGrid) throws -> [RGBImage] {
    rgbImages(try vqModel.decode(grid))
  }
}
