import Diffusion

/// The default settings that a model folder's `model_index.json` may state.
struct GenerationDefaults: Codable {
  var sampler: String?
  var steps: Int?
  var guidanceScale: Double?
  var guidanceSchedule: String?
  var temperature: Double?
  var truncation: String?
  var timestepGrid: String?
  var purityWeight: Double?
  var choiceTemperature: Double?
  var remasking: String?

  enum CodingKeys: String, CodingKey {
    case sampler, steps, temperature, truncation, remasking
    case guidanceScale = "guidance_scale"
    case guidanceSchedule = "guidance_schedule"
    case timestepGrid = "timestep_grid"
    case purityWeight = "purity_weight"
    case choiceTemperature = "choice_temperature"
  }

  /// - Throws: `PipelineError.invalidOption` for an option that doesn't exist; `DiffusionError` for numbers outside their ranges.
  func settings(kernel: any CorruptionKernel, shape: GridShape, canGuide: Bool) throws -> GenerationSettings {
    var parameters = SamplingMethod.Parameters()
    parameters.purityWeight = purityWeight ?? parameters.purityWeight
    parameters.choiceTemperature = choiceTemperature ?? parameters.choiceTemperature
    if let remasking { parameters.remasking = try Remasking(option: remasking) }
    let method = SamplingMethod(
      try SamplingMethod.Name(option: sampler ?? SamplingMethod.Name.ancestral.rawValue), parameters)
    let grid = try timestepGrid.map { try TimestepGrid(option: $0) } ?? .linear
    let most = method.allowedSteps(timesteps: kernel.timesteps, length: shape.count).upperBound
    let usual = method.nearestSteps(to: 25, timesteps: kernel.timesteps, length: shape.count)
    let settings = GenerationSettings(
      method: method, steps: steps.map { min($0, most) } ?? usual, guidanceScale: canGuide ? guidanceScale ?? 1 : 1,
      guidanceSchedule: try guidanceSchedule.map { try GuidanceSchedule(option: $0) } ?? .constant,
      temperature: temperature ?? 1, truncation: try Truncation(option: truncation ?? "none"), timestepGrid: grid)
    try settings.check(kernel: kernel, shape: shape)
    return settings
  }
}

extension GenerationSettings {
  /// What the sampling loop is told of them.
  var samplingOptions: SamplingOptions {
    var options = SamplingOptions()
    (options.temperature, options.truncation) = (temperature, truncation)
    return options
  }

  /// Checks what doesn't need the model's networks.
  ///
  /// - Throws: `DiffusionError`.
  func check(kernel: any CorruptionKernel, shape: GridShape) throws {
    _ = try Guidance(scale: guidanceScale, unconditional: 0, schedule: guidanceSchedule)
    try samplingOptions.validate()
    _ = try method.sampler(SamplingPlan(kernel, shape: shape, steps: steps, timestepGrid: timestepGrid))
  }
}
