import ArgumentParser
import VQDiffusion

/// How images are sampled; what isn't given is the model's own.
struct SamplingArguments: ParsableArguments {
  @Option(help: "Evaluations of the network that an image gets.")
  var steps: Int?

  @Option(
    name: [.customLong("guidance-scale"), .customLong("cfg-scale")],
    help: "Classifier-free guidance; 1 is none.")
  var guidanceScale: Double?

  @Option(
    help: """
      When guidance works: constant, ramp (from none at the start to full), or interval:A:B for noise levels from A to B, 1 being the \
      start.
      """,
    transform: { try GuidanceSchedule(option: $0) })
  var guidanceSchedule: GuidanceSchedule?

  @Option(help: "Of the prediction: below 1 sharpens, above 1 flattens.")
  var temperature: Double?

  @Option(
    help: "Codes that may be drawn: none (all), a probability in (0, 1] for a nucleus, or top-K.",
    transform: { try Truncation(option: $0) })
  var truncation: Truncation?

  @Option(
    help: "\(SamplingMethod.all.map(\.name).joined(separator: ", ")).",
    transform: { try SamplingMethod(name: $0) })
  var sampler: SamplingMethod?

  @Option(help: "How far purity sharpens predictions (r, of the purity samplers).")
  var purityWeight: Double?

  @Option(help: "How random the choice of positions begins (of maskgit).")
  var choiceTemperature: Double?

  @Option(
    help: "How tokens are masked again (of remdm): cap:N, rescale:N (N in 0…1) or confidence.",
    transform: { try Remasking(option: $0) })
  var remasking: Remasking?

  @Option(
    help: "The times that ancestral and remdm visit: linear, cosine, or falling numbers separated by commas.",
    transform: { try TimestepGrid(option: $0) })
  var timestepGrid: TimestepGrid?

  @Option(help: "The first image's seed (drawn and printed if absent).")
  var seed: UInt64?

  @Option(help: "Images that go through the networks together. Changes speed and memory, never the images.")
  var batchSize: Int?

  func validate() throws {
    for (name, value) in [("--steps", steps), ("--batch-size", batchSize)] {
      if let value, value < 1 { throw ValidationError("\(name) must be 1 or more, found \(value)") }
    }
    let numbers = [
      ("--guidance-scale", guidanceScale), ("--purity-weight", purityWeight), ("--temperature", temperature),
      ("--choice-temperature", choiceTemperature),
    ]
    for (name, value) in numbers {
      if let value, !value.isFinite || value < 0 {
        throw ValidationError("\(name) must be finite and at least 0, found \(value)")
      }
    }
  }

  /// The model's settings with those of the command line in their place.
  ///
  /// - Parameter start: what images start from; the model's own steps are cut to what that allows.
  func settings(of pipeline: VQDiffusionPipeline, from start: GenerationStart) throws -> GenerationSettings {
    var settings = pipeline.defaultSettings
    settings.method = try method(instead: settings.method)
    settings.timestepGrid = timestepGrid ?? inherited(settings.timestepGrid, by: settings.method, from: start)
    settings.steps =
      steps
      ?? settings.method.nearestSteps(
        to: settings.steps, timesteps: start.time(of: pipeline.corruption.timesteps),
        length: pipeline.network.facts.length)
    if steps == nil, case .custom(let times) = settings.timestepGrid { settings.steps = times.count }
    settings.guidanceScale = guidanceScale ?? settings.guidanceScale
    settings.guidanceSchedule = guidanceSchedule ?? settings.guidanceSchedule
    settings.temperature = temperature ?? settings.temperature
    settings.truncation = truncation ?? settings.truncation
    settings.batchSize = batchSize ?? settings.batchSize
    // Short enough to be typed again.
    settings.seed = seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
    return settings
  }

  /// The model's own grid where it applies: not with a sampler that has steps of its own, and no list of times where a strength says
  /// which is the first.
  private func inherited(_ grid: TimestepGrid, by method: SamplingMethod, from start: GenerationStart) -> TimestepGrid {
    switch (grid, start) {
    case (.custom, .noised): .linear
    default: method.visitsTimes ? grid : .linear
    }
  }

  private func method(instead method: SamplingMethod) throws -> SamplingMethod {
    var chosen = try sampler.map { try method.switched(to: $0.name) } ?? method
    func check(_ option: String, isGiven: Bool, applies: Bool) throws(PipelineError) {
      guard !isGiven || applies else {
        throw .invalidOption(name: option, expected: "absent for a sampler without it", found: "\(chosen.name) sampling")
      }
    }
    try check("--purity-weight", isGiven: purityWeight != nil, applies: chosen.purityWeight != nil)
    try check("--choice-temperature", isGiven: choiceTemperature != nil, applies: chosen.choiceTemperature != nil)
    try check("--remasking", isGiven: remasking != nil, applies: chosen.remasking != nil)
    chosen.purityWeight = purityWeight ?? chosen.purityWeight
    chosen.choiceTemperature = choiceTemperature ?? chosen.choiceTemperature
    chosen.remasking = remasking ?? chosen.remasking
    return chosen
  }
}
