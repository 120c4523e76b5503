/// One image on its way from noise to tokens.
package struct SamplingState: Sendable {
  /// L tokens in 0…K, K being the mask.
  package var tokens: [Int32]
  /// Names the image's random numbers.
  package var image: Int
  /// Evaluations of the network so far.
  package var evaluations: Int
  /// The tokens of an image that is completed: they hold in the end, whatever the sampler draws elsewhere.
  package var known: KnownTokens?
  /// The probability with which each token was drawn when it was revealed, 1 for masks and for the codes of a given image; empty but
  /// for samplers that ask for it.
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

/// The tokens of an image of which only some are to be made anew (inpainting): a code where known, nil elsewhere.
public struct KnownTokens: Sendable, Equatable {
  public let codes: [Int32?]

  /// - Throws: `nothingToRepaint` if all are known.
  public init(_ codes: [Int32?]) throws(DiffusionError) {
    guard codes.contains(nil) else { throw .nothingToRepaint(tokens: codes.count) }
    self.codes = codes
  }

  /// Tokens to be made.
  public var unknown: Int { codes.count { $0 == nil } }
}

/// What an image starts from.
public enum SamplingStart: Sendable, Equatable {
  /// The kernel's own noise: masks, uniform codes, or both.
  case noise
  /// Noise at the unknown tokens; the known ones are kept (inpainting).
  case known(KnownTokens)
  /// A clean image's tokens, noised up to the plan's start (a variation of it).
  case noised([Int32])
}
