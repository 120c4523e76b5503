import Images
import VQVAE

extension RGBImage {
  /// The picture with the pixels of tokens that are still masked in one colour, so that the masks are seen falling away.
  ///
  /// - Parameters:
  ///   - tokens: the L current tokens, row by row; `maskToken` stands for [MASK].
  ///   - maskToken: K, the number of codes.
  ///   - pixelsPerToken: divides both sides.
  public func coveringMasks(
    of tokens: [Int32], maskToken: Int, pixelsPerToken: Int, with color: Color = .gray
  ) -> RGBImage {
    precondition(
      pixelsPerToken > 0 && width.isMultiple(of: pixelsPerToken) && height.isMultiple(of: pixelsPerToken)
        && tokens.count == width / pixelsPerToken * (height / pixelsPerToken),
      "\(tokens.count) tokens of \(pixelsPerToken) pixels in a picture of \(size)")
    let columns = width / pixelsPerToken
    var covered = self
    for (index, token) in tokens.enumerated() where Int(token) == maskToken {
      let (left, top) = (index % columns * pixelsPerToken, index / columns * pixelsPerToken)
      for y in top..<top + pixelsPerToken {
        for x in left..<left + pixelsPerToken { covered[x, y] = color }
      }
    }
    return covered
  }
}

extension ImageCodec {
  /// Images on their way: current tokens as they are, masked ones decoded as predicted, so that the others have the surroundings
  /// that they expect, and then covered in gray. Tokens that have no place in the image can't be covered: their pictures show the
  /// predictions.
  ///
  /// - Parameters:
  ///   - current: of each image its L tokens in 0…K, K being the mask.
  ///   - predicted: of each image L codes; read where `current` is masked.
  ///   - coversMasks: whether masked tokens are covered; otherwise the pictures show the predictions.
  /// - Throws: `VQVAEError.wrongTokenCount`, `.tokenOutOfRange`.
  public func previews(
    of current: [[Int32]], predicted: [[Int32]], coversMasks: Bool = true
  ) throws -> [RGBImage] {
    precondition(current.count == predicted.count, "\(current.count) images, predictions of \(predicted.count)")
    let (length, maskToken) = (layout.count, codes)
    var tokens: [Int32] = []
    for row in current + predicted where row.count != length {
      throw VQVAEError.wrongTokenCount(expected: "\(length)", found: row.count)
    }
    for (now, later) in zip(current, predicted) {
      tokens += zip(now, later).map { Int($0) == maskToken ? $1 : $0 }
    }
    guard !tokens.isEmpty else { return [] }
    let images = try decode(ImageTokens(tokens, layout: layout))
    guard coversMasks, let pixelsPerToken, case .grid = layout else { return images }
    return zip(images, current).map {
      $0.coveringMasks(of: $1, maskToken: maskToken, pixelsPerToken: pixelsPerToken)
    }
  }
}
