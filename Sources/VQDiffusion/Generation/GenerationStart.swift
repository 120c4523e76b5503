import Diffusion

/// What generated images start from.
public enum GenerationStart: Sendable, Equatable {
  /// The model's noise.
  case noise
  /// Noise where tokens are unknown; the known ones stay (inpainting).
  case known(KnownTokens)
  /// The tokens of an image, noised as far as `strength` · T (variations): near 0 little changes, at 1 nothing of the image is left.
  case noised(tokens: [Int32], strength: Double)

  var samplingStart: SamplingStart {
    switch self {
    case .noise: .noise
    case .known(let known): .known(known)
    case .noised(let tokens, _): .noised(tokens)
    }
  }

  /// t_0, the time that sampling starts from: T, or for a partly noised image round(strength · T), at least 1.
  ///
  /// - Parameter timesteps: T.
  package func time(of timesteps: Int) -> Int {
    guard case .noised(_, let strength) = self, strength > 0, strength <= 1 else { return timesteps }
    return max(1, Int((strength * Double(timesteps)).rounded()))
  }

  /// - Throws: `PipelineError.invalidOption` for a strength outside (0, 1] or together with times of the caller's; `DiffusionError`.
  func sampler(_ settings: SamplingSettings, _ pipeline: VQDiffusionPipeline) throws -> any Sampler {
    let (corruption, layout) = (pipeline.corruption, pipeline.network.facts.layout)
    switch self {
    case .noise: return try settings.sampler(corruption, layout: layout)
    case .known(let known): return try settings.sampler(corruption, layout: layout, masks: known.unknown)
    case .noised(_, let strength):
      guard strength > 0, strength <= 1 else {
        throw PipelineError.invalidOption(name: "strength", expected: "more than 0 and at most 1", found: "\(strength)")
      }
      if case .custom = settings.timestepGrid {
        throw PipelineError.invalidOption(
          name: "timestep grid", expected: "linear or cosine with a strength, which says where to start",
          found: settings.timestepGrid.option)
      }
      let start = time(of: corruption.timesteps)
      let share =
        corruption.cumulative(at: start).mask / max(corruption.cumulative(at: corruption.timesteps).mask, .leastNormalMagnitude)
      let masks = max(1, Int((Double(layout.count) * share).rounded()))
      return try settings.sampler(corruption, layout: layout, start: start, masks: masks)
    }
  }
}
