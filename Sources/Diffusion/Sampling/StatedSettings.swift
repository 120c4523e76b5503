import Tensor

/// Sampling settings as a file states them, such as a model's index or an image's record; nil where it states none.
public struct StatedSettings: Codable, Sendable, Equatable {
  /// `SamplingMethod.name`
  public var sampler: String?
  public var steps: Int?
  public var guidanceScale: Double?
  /// `GuidanceSchedule.option`
  public var guidanceSchedule: String?
  public var temperature: Double?
  /// `Truncation.option`
  public var truncation: String?
  /// `TimestepGrid.option`
  public var timestepGrid: String?
  public var purityWeight: Double?
  public var choiceTemperature: Double?
  /// `Remasking.option`
  public var remasking: String?

  enum CodingKeys: String, CodingKey {
    case sampler, steps, temperature, truncation, remasking
    case guidanceScale = "guidance_scale"
    case guidanceSchedule = "guidance_schedule"
    case timestepGrid = "timestep_grid"
    case purityWeight = "purity_weight"
    case choiceTemperature = "choice_temperature"
  }

  public init(
    sampler: String? = nil, steps: Int? = nil, guidanceScale: Double? = nil, guidanceSchedule: String? = nil,
    temperature: Double? = nil, truncation: String? = nil, timestepGrid: String? = nil, purityWeight: Double? = nil,
    choiceTemperature: Double? = nil, remasking: String? = nil
  ) {
    (self.sampler, self.steps) = (sampler, steps)
    (self.guidanceScale, self.guidanceSchedule) = (guidanceScale, guidanceSchedule)
    (self.temperature, self.truncation, self.timestepGrid) = (temperature, truncation, timestepGrid)
    (self.purityWeight, self.choiceTemperature, self.remasking) = (purityWeight, choiceTemperature, remasking)
  }

  /// States sampler, steps, guidance scale and truncation always; purity weight, choice temperature and remasking for methods
  /// that have them; temperature, guidance schedule and timestep grid where they differ from 1, `constant` and `linear`.
  public init(_ settings: SamplingSettings) {
    sampler = settings.method.name
    steps = settings.steps
    guidanceScale = settings.guidanceScale
    truncation = settings.truncation.option
    purityWeight = settings.method.purityWeight
    choiceTemperature = settings.method.choiceTemperature
    remasking = settings.method.remasking?.option
    temperature = settings.temperature == 1 ? nil : settings.temperature
    guidanceSchedule = settings.guidanceSchedule == .constant ? nil : settings.guidanceSchedule.option
    timestepGrid = settings.timestepGrid == .linear ? nil : settings.timestepGrid.option
  }

  /// Steps where none are stated, or the nearest number that the method can take.
  private static let usualSteps = 25

  /// The settings for a model, checked. Stated steps beyond the method's range become its largest number. The defaults are
  /// ancestral sampling, the method's usual parameters, about 25 steps, no guidance, temperature 1, all codes and a linear
  /// grid.
  ///
  /// - Parameter canGuide: whether the model can be guided; if not, a stated guidance scale is dropped.
  /// - Throws: `invalidOption` for a text that can't be read, `length` for an empty layout, and the errors of
  ///   `SamplingSettings.validate` and `SamplingMethod.sampler` for values outside their ranges.
  public func settings(
    corruption: any Corruption, layout: TokenLayout, canGuide: Bool
  ) throws(DiffusionError) -> SamplingSettings {
    try SamplingPlan.check(layout)
    let method = try method()
    let (timesteps, length) = (corruption.timesteps, layout.count)
    let most = method.allowedSteps(timesteps: timesteps, length: length).upperBound
    let usual = method.nearestSteps(to: Self.usualSteps, timesteps: timesteps, length: length)
    var settings = SamplingSettings(method: method, steps: steps.map { min($0, most) } ?? usual)
    if let timestepGrid { settings.timestepGrid = try TimestepGrid(option: timestepGrid) }
    if canGuide, let guidanceScale { settings.guidanceScale = guidanceScale }
    if let guidanceSchedule { settings.guidanceSchedule = try GuidanceSchedule(option: guidanceSchedule) }
    if let temperature { settings.temperature = temperature }
    if let truncation { settings.truncation = try Truncation(option: truncation) }
    try settings.validate()
    _ = try settings.sampler(corruption, layout: layout)
    return settings
  }

  /// The stated method with those of the stated parameters that it has. A remasking rule must be readable for any method.
  private func method() throws(DiffusionError) -> SamplingMethod {
    var rule: Remasking?
    if let remasking { rule = try Remasking(option: remasking) }
    var method = SamplingMethod.ancestral
    if let sampler { method = try SamplingMethod(name: sampler) }
    (method.purityWeight, method.choiceTemperature, method.remasking) = (purityWeight, choiceTemperature, rule)
    return method
  }
}
