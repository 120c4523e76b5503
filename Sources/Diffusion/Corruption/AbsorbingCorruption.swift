/// Corruption that only masks (Austin et al. 2021; "masked diffusion"):
///
///     ᾱ_t = 1 − t / T        γ̄_t = t / T        β̄_t = 0
public struct AbsorbingCorruption: Corruption, Equatable {
  public let timesteps: Int
  public let codes: Int
  public let name = "absorbing"

  /// - Parameters:
  ///   - timesteps: T, at least 2.
  ///   - codes: K.
  /// - Throws: `timesteps`, `codes`.
  public init(timesteps: Int, codes: Int) throws(DiffusionError) {
    try CorruptionMath.check(timesteps: timesteps, codes: codes)
    (self.timesteps, self.codes) = (timesteps, codes)
  }

  public var startMasks: Double { 1 }

  public func cumulative(at t: Int) -> Transition {
    let masked = Double(t) / Double(timesteps)
    return Transition(keep: 1 - masked, replace: 0, mask: masked)
  }
}
