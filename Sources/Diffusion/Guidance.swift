/// Classifier-free guidance on the prediction of the clean codes (Improved VQ-Diffusion, Section 3.1, Eq. 6):
///
///     log p(x_0) = log p(x_0 | ∅) + g (log p(x_0 | y) − log p(x_0 | ∅)), renormalised over the K codes
///
/// with g = 1 + s, s being the paper's strength.
public struct Guidance<Condition: Sendable>: Sendable {
  /// g; 1 is no guidance.
  public let scale: Double
  /// The condition that stands for "none".
  public let unconditional: Condition

  /// Beyond this nothing changes but the risk of overflow: the most favoured code has all the probability.
  public static var largestScale: Double { 10_000 }

  /// - Throws: `guidanceScale` unless the scale lies in 0…`largestScale`.
  public init(scale: Double, unconditional: Condition) throws(DiffusionError) {
    guard scale >= 0, scale <= Self.largestScale else {
      throw .guidanceScale(largest: Self.largestScale, found: scale)
    }
    self.scale = scale
    self.unconditional = unconditional
  }

  /// Whether a second evaluation is needed: g within 1e-3 of 1 counts as none.
  public var isActive: Bool { abs(scale - 1) >= 1e-3 }
}
