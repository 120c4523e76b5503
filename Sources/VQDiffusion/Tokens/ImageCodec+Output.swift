import Images
import Tensor
import VQVAE

// What a tokenizer returns is checked before it is used: it may be another package's, or have damaged weights.
extension ImageCodec {
  /// Tokens of images, and the feature maps [B, h, w, channels] that they were made from; no maps where the tokenizer has none.
  ///
  /// - Throws: as `encode`.
  func tokensAndFeatures(_ images: [RGBImage]) throws -> (tokens: ImageTokens, features: FloatTensor?) {
    let (tokens, features) = try tokenizer.tokensAndFeatures(tensor(images))
    try check(tokens, of: images)
    if let shape = features?.shape, shape.count != 4 || shape[0] != images.count || shape.contains(0) {
      throw PipelineError.tokenizerOutput(expected: "feature maps [\(images.count), h, w, channels]", found: "\(shape)")
    }
    return (tokens, features)
  }

  /// - Throws: `PipelineError.tokenizerOutput` for tokens that can't be those of images of one size.
  func check(_ tokens: ImageTokens, of images: [RGBImage]) throws(PipelineError) {
    let expected = images.first.flatMap { tokenizer.layout(height: $0.height, width: $0.width) } ?? tokens.layout
    guard tokens.count == images.count, tokens.layout == expected else {
      throw .tokenizerOutput(
        expected: "tokens of \(images.count) images, each \(expected)", found: "\(tokens.count) images, each \(tokens.layout)")
    }
    if let code = tokens.tokens.first(where: { $0 < 0 || Int($0) >= codes }) {
      throw .tokenizerOutput(expected: "codes in 0..<\(codes)", found: "\(code)")
    }
  }
}

extension FloatTensor {
  /// Whether no value is NaN or an infinity.
  var isFinite: Bool { withUnsafeBufferPointer { values in values.allSatisfy(\.isFinite) } }
}
