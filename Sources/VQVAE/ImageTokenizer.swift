import Tensor

/// An image tokenizer: images to tokens of a codebook and back.
///
/// A family of tokenizers is a folder of this module, or a type of another package. The pipeline, evaluation, training and the
/// benchmarks know this protocol alone. Several threads may call a tokenizer at a time.
public protocol ImageTokenizer: Sendable {
  /// Properties that the pipeline depends on; they don't change.
  var facts: TokenizerFacts { get }

  /// The layout of the tokens of an image of a size in pixels; nil for a size that the tokenizer can't take.
  func layout(height: Int, width: Int) -> TokenLayout?

  /// The size in pixels of an image whose tokens have a layout; nil for a layout that the tokenizer can't take.
  func imageSize(of layout: TokenLayout) -> (height: Int, width: Int)?

  /// The tokens of images.
  ///
  /// - Parameter images: [B, H, W, 3] in 0…1.
  /// - Throws: `VQVAEError.wrongImageSize`.
  func encode(_ images: FloatTensor) throws -> ImageTokens

  /// The images of tokens: [B, H, W, 3] in 0…1, all finite.
  ///
  /// - Throws: `VQVAEError.wrongLayout`, `.tokenOutOfRange`.
  func decode(_ tokens: ImageTokens) throws -> FloatTensor

  /// The tokens of images and the feature maps that they were made from, [B, h, w, channels], by which sets of images are compared;
  /// no maps where the tokenizer has none.
  ///
  /// Parameters and errors as in `encode`.
  func tokensAndFeatures(_ images: FloatTensor) throws -> (tokens: ImageTokens, features: FloatTensor?)
}

/// Properties of an image tokenizer that the pipeline depends on.
public struct TokenizerFacts: Sendable, Equatable {
  /// K, the number of codes.
  public var codes: Int
  /// Height and width in pixels of the images that the tokenizer was trained on.
  public var height: Int
  public var width: Int
  /// The side of the square of pixels that one token of a grid stands for; nil where tokens have no place in the image.
  public var pixelsPerToken: Int?
  /// Codes that can be decoded, where these aren't all: a reduced codebook may hold codes that stand for nothing.
  public var decodableCodes: [Int32]?

  public init(codes: Int, height: Int, width: Int, pixelsPerToken: Int? = nil, decodableCodes: [Int32]? = nil) {
    (self.codes, self.height, self.width) = (codes, height, width)
    (self.pixelsPerToken, self.decodableCodes) = (pixelsPerToken, decodableCodes)
  }
}

extension ImageTokenizer {
  public func tokensAndFeatures(_ images: FloatTensor) throws -> (tokens: ImageTokens, features: FloatTensor?) {
    (try encode(images), nil)
  }

  /// The layout of the tokens of an image of the training size; nil if that size doesn't give whole tokens.
  public var nativeLayout: TokenLayout? { layout(height: facts.height, width: facts.width) }
}
