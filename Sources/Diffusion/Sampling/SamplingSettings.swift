import Tensor

/// How images are sampled: the sampler's rule, and what turns the network's logits into the law that tokens are drawn from.
public struct SamplingSettings: Sendable, Equatable {
  public var method: SamplingMethod
  /// Most evaluations of the network per image; the range depends on `method` (`SamplingMethod.allowedSteps`).
  public var steps: Int
  /// g = 1 + s, s being the paper's strength; 1 is no guidance.
  public var guidanceScale: Double
  public var guidanceSchedule: GuidanceSchedule
  /// Divisor of the prediction's logarithms, after guidance; below 1 sharpens, above 1 flattens.
  public var temperature: Double
  /// Codes that may be drawn, after guidance and temperature.
  public var truncation: Truncation
  /// Times that ancestral and remasking sampling visit.
  public var timestepGrid: TimestepGrid

  public init(
    method: SamplingMethod, steps: Int, guidanceScale: Double = 1, guidanceSchedule: GuidanceSchedule = .constant,
    temperature: Double = 1, truncation: Truncation = .none, timestepGrid: TimestepGrid = .linear
  ) {
    self.method = method
    self.steps = steps
    self.guidanceScale = guidanceScale
    self.guidanceSchedule = guidanceSchedule
    self.temperature = temperature
    self.truncation = truncation
    self.timestepGrid = timestepGrid
  }

  /// Checks the settings that don't depend on the model; `sampler` checks the others.
  ///
  /// - Throws: `guidanceScale`, `guidanceInterval`, `temperature`, `nucleus`, `topCodes`.
  package func validate() throws(DiffusionError) {
    _ = try Guidance(scale: guidanceScale, unconditional: (), schedule: guidanceSchedule)
    guard temperature > 0, temperature.isFinite else { throw .temperature(found: temperature) }
    try truncation.validate()
  }

  /// The sampler of these settings.
  ///
  /// - Parameters:
  ///   - start: t_0; T if nil.
  ///   - masks: masks at the start; L if nil.
  /// - Throws: `length`, `startTimestep`, `startMasks`, and the errors of `SamplingMethod.sampler`.
  package func sampler(
    _ corruption: any Corruption, layout: TokenLayout, start: Int? = nil, masks: Int? = nil
  ) throws(DiffusionError) -> any Sampler {
    try method.sampler(
      SamplingPlan(corruption, layout: layout, steps: steps, start: start, masks: masks, timestepGrid: timestepGrid))
  }
}
