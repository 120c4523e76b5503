/// Guidance scale over the course of sampling, as a function of the noise level u = t/T: 1 at the start, near 0 at the end.
public enum GuidanceSchedule: Sendable, Equatable {
  /// g throughout.
  case constant
  /// 1 + (g − 1)(1 − u): none at the start, where guidance reduces variety most, and g at the end.
  case ramp
  /// g while u lies in the interval, 1 elsewhere (Kynkäänniemi et al. 2024, "Applying Guidance in a Limited Interval").
  case interval(ClosedRange<Double>)
}

/// Classifier-free guidance on the prediction of the clean codes (Improved VQ-Diffusion, Section 3.1, Eq. 6):
///
///     log p(x_0) = log p(x_0 | ∅) + g (log p(x_0 | y) − log p(x_0 | ∅)), renormalised over the K codes
///
/// with g = 1 + s, s being the paper's strength.
public struct Guidance<Condition: Sendable>: Sendable {
  /// g; 1 is no guidance.
  public let scale: Double
  /// Condition that stands for "none".
  public let unconditional: Condition
  public let schedule: GuidanceSchedule

  /// Largest scale. At this scale the most favoured code has all the probability; more would only risk overflow.
  public static var largestScale: Double { 10_000 }

  /// - Throws: `guidanceScale` unless the scale lies in 0…`largestScale`; `guidanceInterval` unless it lies within 0…1.
  public init(
    scale: Double, unconditional: Condition, schedule: GuidanceSchedule = .constant
  ) throws(DiffusionError) {
    guard scale >= 0, scale <= Self.largestScale else {
      throw .guidanceScale(largest: Self.largestScale, found: scale)
    }
    if case .interval(let interval) = schedule {
      guard interval.lowerBound >= 0, interval.upperBound <= 1, interval.lowerBound < interval.upperBound else {
        throw .guidanceInterval(found: interval)
      }
    }
    self.scale = scale
    self.unconditional = unconditional
    self.schedule = schedule
  }

  /// Whether a second evaluation is needed at any step. A scale within 1e-3 of 1 counts as no guidance.
  public var isActive: Bool { Self.counts(scale) }

  /// g at a network timestep (from 0) of T; 1 where no second evaluation is needed.
  public func scale(atTimestep timestep: Int, of timesteps: Int) -> Double {
    let level = Double(timestep + 1) / Double(timesteps)
    let scheduled =
      switch schedule {
      case .constant: scale
      case .ramp: 1 + (scale - 1) * (1 - level)
      case .interval(let interval): interval.contains(level) ? scale : 1
      }
    return Self.counts(scheduled) ? scheduled : 1
  }

  private static func counts(_ scale: Double) -> Bool { abs(scale - 1) >= 1e-3 }
}
