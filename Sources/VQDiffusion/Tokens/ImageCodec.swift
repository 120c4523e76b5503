import Foundation
import Images
import ModelFiles
import Tensor
import VQVAE

/// The image tokenizer of a model with the layout of the model's images: pictures to tokens and back.
public struct ImageCodec: Sendable {
  public let tokenizer: any ImageTokenizer
  /// The layout of the tokens of the images that the model generates. Tokenizers may take others too.
  public let layout: TokenLayout
  /// The size of the images that the model generates, in pixels.
  public let imageSize: ImageSize

  /// - Parameter model: the model's name, for messages.
  /// - Throws: `PipelineError.mismatchedParts` for a layout that the tokenizer can't decode, and for a grid whose tokens don't stand for
  ///   the pixels that the tokenizer's facts state.
  public init(_ tokenizer: any ImageTokenizer, layout: TokenLayout, model: String = "the model") throws(PipelineError) {
    guard layout.count > 0, let size = tokenizer.imageSize(of: layout), size.height > 0, size.width > 0 else {
      throw .mismatchedParts(model: model, expected: "tokens that the tokenizer can decode", found: "\(layout)")
    }
    if let side = tokenizer.facts.pixelsPerToken, case .grid(let rows, let columns) = layout {
      guard side > 0, size.height.isMultiple(of: side), size.width.isMultiple(of: side), size.height / side == rows,
        size.width / side == columns
      else {
        throw .mismatchedParts(
          model: model, expected: "\(side) pixels a token, as the tokenizer states",
          found: "\(layout) for \(size.width)×\(size.height) pixels")
      }
    }
    (self.tokenizer, self.layout) = (tokenizer, layout)
    imageSize = ImageSize(width: size.width, height: size.height)
  }

  /// Loads the image tokenizer of a model; the denoiser's configuration states the layout and the number of codes. The layout of a
  /// tokenizer alone is that of the images that it was trained on.
  ///
  /// - Throws: `ModelFileError`, `CheckpointError` or `VQVAEError`, each naming the part; `ModelFileError.mismatchedParts` for parts that
  ///   don't fit together, and for a tokenizer alone whose training images don't give whole tokens.
  public init(_ location: ModelLocation, options: ComputeOptions = ComputeOptions()) throws {
    let source = try location.source()
    if source.has(.vqvae), !source.has(.transformer) {
      let (tokenizer, layout) = try LoadedModel.tokenizerAlone(source, options: options)
      try self.init(tokenizer, layout: layout)
    } else {
      let facts = try source.networkConfiguration().facts
      try self.init(LoadedModel.tokenizer(source, for: facts, options: options), layout: facts.layout)
    }
  }

  /// The same, of a model folder.
  ///
  /// - Throws: as `init(_:options:)`.
  public init(contentsOf url: URL, options: ComputeOptions = ComputeOptions()) throws {
    try self.init(ModelLocation(url), options: options)
  }

  /// The codec of the model that comes with the package.
  public static func builtIn(options: ComputeOptions = ComputeOptions()) throws -> ImageCodec {
    try ImageCodec(.builtIn, options: options)
  }

  /// K, the number of codes.
  public var codes: Int { tokenizer.facts.codes }

  /// The side of the square of pixels that one token stands for; nil where tokens have no place in the image.
  public var pixelsPerToken: Int? { tokenizer.facts.pixelsPerToken }

  /// The same for work that depends on it.
  ///
  /// - Throws: `PipelineError.needsPixelGrid`.
  func pixelsPerToken(for work: String) throws(PipelineError) -> Int {
    guard let pixelsPerToken, case .grid = layout else { throw .needsPixelGrid(work: work, found: "\(layout)") }
    return pixelsPerToken
  }

  /// The tokens of images of one size.
  ///
  /// - Throws: `VQVAEError.wrongImageSize` for a size that the tokenizer can't take, and for sizes that differ;
  ///   `PipelineError.tokenizerOutput`.
  public func encode(_ images: [RGBImage]) throws -> ImageTokens {
    let tokens = try tokenizer.encode(tensor(images))
    try check(tokens, of: images)
    return tokens
  }

  /// The tokens of PNG or JPEG files of one size; nothing is resized.
  ///
  /// - Throws: `ImageError`; `PipelineError.unfittingImage` for a size that the tokenizer can't take, and for sizes that differ.
  public func encode(contentsOf urls: [URL]) throws -> ImageTokens {
    var images: [RGBImage] = []
    for url in urls {
      let image = try RGBImage(contentsOf: url)
      guard tokenizer.layout(height: image.height, width: image.width) != nil else {
        let expected = pixelsPerToken.map { "sides that are multiples of \($0) pixels" } ?? "\(imageSize) pixels"
        throw PipelineError.unfittingImage(file: url.path, expected: expected, found: image.size)
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
  /// - Throws: `VQVAEError.wrongLayout`, `.tokenOutOfRange`; `PipelineError.tokenizerOutput`.
  public func decode(_ tokens: ImageTokens) throws -> [RGBImage] {
    let size = try imageSize(of: tokens)
    let images = try tokenizer.decode(tokens)
    let shape = [tokens.count, size.height, size.width, 3]
    guard images.shape == shape else { throw PipelineError.tokenizerOutput(expected: "\(shape)", found: "\(images.shape)") }
    guard images.isFinite else { throw PipelineError.tokenizerOutput(expected: "finite pixels", found: "NaN or an infinity") }
    return rgbImages(images)
  }

  /// The size in pixels of the images of tokens.
  ///
  /// - Throws: `VQVAEError.wrongLayout` for a layout that the tokenizer can't decode.
  public func imageSize(of tokens: ImageTokens) throws(VQVAEError) -> ImageSize {
    guard let size = tokenizer.imageSize(of: tokens.layout) else {
      throw .wrongLayout(expected: "\(layout)", found: tokens.layout)
    }
    return ImageSize(width: size.width, height: size.height)
  }
}
