/// The sampling rules, with their settings.
public enum SamplingMethod: Sendable, Equatable {
  /// Every token drawn from the exact posterior at each step (Eq. 5). 1…T steps.
  case ancestral
  /// A fixed number of random positions per step (Algorithm 1). 1…L steps.
  case fewerTokens
  /// The purest positions first, with sharpened predictions (Algorithm 2); `weight` is the paper's r. 1…L steps.
  case purity(weight: Double)
  /// The public code's version of Algorithm 2, which redraws everything at the end. 1…T steps.
  case purityReference(weight: Double)

  /// What the methods are called in settings and on the command line.
  public enum Name: String, Sendable, CaseIterable {
    case ancestral
    case fewerTokens = "fewer-tokens"
    case purity
    case purityReference = "purity-reference"
  }

  /// The method of a name; `weight` is for those that have one.
  public init(_ name: Name, weight: Double) {
    switch name {
    case .ancestral: self = .ancestral
    case .fewerTokens: self = .fewerTokens
    case .purity: self = .purity(weight: weight)
    case .purityReference: self = .purityReference(weight: weight)
    }
  }

  public var name: Name {
    switch self {
    case .ancestral: .ancestral
    case .fewerTokens: .fewerTokens
    case .purity: .purity
    case .purityReference: .purityReference
    }
  }

  /// The numbers of steps that the method can take.
  ///
  /// - Parameters:
  ///   - timesteps: T of the schedule.
  ///   - length: L, the number of tokens.
  public func allowedSteps(timesteps: Int, length: Int) -> ClosedRange<Int> {
    switch self {
    case .ancestral, .purityReference: 1...timesteps
    case .fewerTokens, .purity: 1...length
    }
  }

  /// - Throws: `steps`, `length`, `purityWeight`.
  package func sampler(
    _ schedule: MaskAndReplaceSchedule, length: Int, steps: Int
  ) throws(DiffusionError) -> any Sampler {
    switch self {
    case .ancestral: try AncestralSampler(schedule, length: length, steps: steps)
    case .fewerTokens: try FewerTokensSampler(schedule, length: length, steps: steps)
    case .purity(let weight): try PuritySampler(schedule, length: length, steps: steps, weight: weight)
    case .purityReference(let weight):
      try PublicPuritySampler(schedule, length: length, steps: steps, rule: .purity(weight: weight))
    }
  }
}
