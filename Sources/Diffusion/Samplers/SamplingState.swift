/// One image on its way from noise to tokens.
package struct SamplingState: Sendable {
  /// L tokens in 0…K, K being the mask.
  package var tokens: [Int32]
  /// Number that names the image's noise.
  package var image: Int
  /// Evaluations of the network so far.
  package var evaluations: Int
  /// Tokens of an image to complete; the finished image holds them.
  package var known: KnownTokens?
  /// ψ of each token, the probability with which it was drawn when it was revealed; 1 for masks and for the codes of a given
  /// image. Empty unless the sampler uses it.
  package var confidences: [Float] = []

  package init(tokens: [Int32], image: Int, evaluations: Int = 0, known: KnownTokens? = nil) {
    self.tokens = tokens
    self.image = image
    self.evaluations = evaluations
    self.known = known
  }

  package func key(_ purpose: DrawKey.Purpose, position: Int) -> DrawKey {
    DrawKey(purpose, image: image, step: evaluations, position: position)
  }

  func isKnown(_ position: Int) -> Bool { known?.codes[position] != nil }
}

/// Tokens of an image to complete (inpainting): a code where known, nil elsewhere.
public struct KnownTokens: Sendable, Equatable {
  public let codes: [Int32?]

  /// - Throws: `nothingToRepaint` if all are known.
  public init(_ codes: [Int32?]) throws(DiffusionError) {
    guard codes.contains(nil) else { throw .nothingToRepaint(tokens: codes.count) }
    self.codes = codes
  }

  /// Number of unknown tokens.
  public var unknown: Int { codes.count { $0 == nil } }
}

/// Start of an image.
public enum SamplingStart: Sendable, Equatable {
  /// The corruption's own noise: masks, uniform codes, or both.
  case noise
  /// Noise at the unknown tokens; the known ones are kept (inpainting).
  case known(KnownTokens)
  /// A clean image's tokens, noised up to the plan's start (a variation of it).
  case noised([Int32])
}
