import Tensor

/// The tokens of some images, all of one layout.
public struct ImageTokens: Sendable, Equatable {
  public let layout: TokenLayout
  /// Images × L, image after image.
  public let tokens: [Int32]

  public init(_ tokens: [Int32], layout: TokenLayout) {
    precondition(layout.count > 0 && tokens.count.isMultiple(of: layout.count), "\(tokens.count) tokens in \(layout)")
    (self.tokens, self.layout) = (tokens, layout)
  }

  /// The number of images.
  public var count: Int { tokens.count / layout.count }

  /// One of the images.
  public subscript(index: Int) -> ImageTokens {
    let length = layout.count
    return ImageTokens(Array(tokens[index * length..<(index + 1) * length]), layout: layout)
  }
}
