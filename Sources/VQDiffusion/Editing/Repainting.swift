import Foundation
import Images
import VQVAE

/// A picture of which a part is painted anew (inpainting, outpainting): what the sampler is told of it, and how what was
/// generated is put into it.
///
///     let repainting = try Repainting(contentsOf: picture, maskAt: mask, for: codec)
///     let known = try repainting.knownTokens(by: codec)
///     // … sample the tokens that aren't known, decode …
///     let result = repainting.composited(generated)
public struct Repainting: Sendable {
  /// The picture; its repainted pixels are never looked at.
  public let picture: RGBImage
  public let mask: RepaintMask
  /// Rings of pixels, inwards from the hole's border, over which the known colours pass into the generated ones; 0 for a hard
  /// border.
  public let feather: Int
  private let filling: HoleFilling

  /// - Throws: `ImageError.wrongSize` for a mask of another size than the picture's; `PipelineError.invalidOption` for a feather
  ///   below 0 or above the picture's longer side.
  public init(_ picture: RGBImage, mask: RepaintMask, feather: Int = 0) throws {
    guard mask.size == picture.size else {
      throw ImageError.wrongSize(file: "mask", expected: picture.size, found: mask.size)
    }
    let widest = max(picture.width, picture.height)
    guard (0...widest).contains(feather) else {
      throw PipelineError.invalidOption(name: "feather", expected: "0…\(widest) pixels", found: "\(feather)")
    }
    (self.picture, self.mask, self.feather) = (picture, mask, feather)
    filling = HoleFilling(picture, mask: mask)
  }

  /// A picture moved on its canvas, to be continued where it uncovers it (outpainting).
  ///
  /// - Throws: `PipelineError.invalidOption` for an offset (see `RepaintMask.init(uncoveredBy:of:)`) or a feather that can't be.
  public init(_ picture: RGBImage, movedBy offset: PixelOffset, feather: Int = 0) throws {
    try self.init(
      picture.moved(by: offset), mask: RepaintMask(uncoveredBy: offset, of: picture.size), feather: feather)
  }

  /// Reads a picture, as large as those that the model generates, and its mask; nothing is resized.
  ///
  /// - Throws: as `RGBImage.init(contentsOf:)`, `RepaintMask.init(contentsOf:expecting:)` and `init(_:mask:feather:)`;
  ///   `ImageError.wrongSize` names the file.
  public init(contentsOf url: URL, maskAt maskURL: URL, feather: Int = 0, for codec: ImageCodec) throws {
    let picture = try RGBImage(contentsOf: url, expecting: codec.imageSize)
    try self.init(picture, mask: RepaintMask(contentsOf: maskURL, expecting: picture.size), feather: feather)
  }

  /// Reads a picture, as large as those that the model generates, and moves it on its canvas.
  ///
  /// - Throws: as `RGBImage.init(contentsOf:)` and `init(_:movedBy:feather:)`; `ImageError.wrongSize` names the file.
  public init(contentsOf url: URL, movedBy offset: PixelOffset, feather: Int = 0, for codec: ImageCodec) throws {
    try self.init(RGBImage(contentsOf: url, expecting: codec.imageSize), movedBy: offset, feather: feather)
  }

  /// The picture as it is encoded: its hole filled from the known pixels, so that what was there doesn't reach the known tokens
  /// through the encoder, whose norms and attention see the whole picture.
  public var filled: RGBImage { filling.image }

  /// The L tokens of the filled picture, row by row: the code of each token without a repainted pixel, nil for those to be
  /// sampled. All are nil where every token has a repainted pixel, which is plain generation.
  ///
  /// - Throws: `VQVAEError.wrongImageSize` unless the picture is as large as those that the model generates;
  ///   `PipelineError.needsPixelGrid` for a model whose tokens have no place in the image.
  public func knownTokens(by codec: ImageCodec) throws -> [Int32?] {
    let pixelsPerToken = try codec.pixelsPerToken(for: "inpainting")
    guard picture.size == codec.imageSize else {
      throw VQVAEError.wrongImageSize(expected: "\(codec.imageSize) pixels", found: "\(picture.size)")
    }
    let codes = try codec.encode([filled]).tokens
    return zip(codes, mask.tokens(pixelsPerToken: pixelsPerToken)).map { $1 ? nil : $0 }
  }

  /// The picture with `generated` in its hole. Known pixels come back bit for bit; a repainted pixel in ring d, counted in
  /// king's moves from the nearest known pixel, is
  ///
  ///     w generated + (1 − w) filled      w = min(1, d / (feather + 1))
  ///
  /// - Parameter generated: of the picture's size.
  public func composited(_ generated: RGBImage) -> RGBImage {
    precondition(generated.size == picture.size, "\(generated.size) generated for a picture of \(picture.size)")
    let parts = feather + 1
    let known = filled.pixels
    let pixels = known.indices.map { index in
      // In whole numbers, so that w = 0 and w = 1 are exact.
      let part = min(filling.distances[index / 3], parts)
      return UInt8((Int(generated.pixels[index]) * part + Int(known[index]) * (parts - part) + parts / 2) / parts)
    }
    return RGBImage(width: picture.width, height: picture.height, pixels: pixels)
  }
}
