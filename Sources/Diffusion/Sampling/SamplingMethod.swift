/// The sampling rules, with their settings.
public enum SamplingMethod: Sendable, Equatable {
  /// Every token drawn from the exact posterior at each step (Eq. 5); with fewer steps than T, from the exact posterior between the
  /// times. 1…T steps.
  case ancestral
  /// The public code's fast sampling, which takes a one-step posterior instead. Steps that a stride leads to.
  case stridedReference
  /// A fixed number of random positions per step (Algorithm 1). 1…L steps.
  case fewerTokens
  /// The purest positions first, with sharpened predictions (Algorithm 2); `weight` is the paper's r. 1…L steps.
  case purity(weight: Double)
  /// The public code's version of Algorithm 2, which redraws everything at the end. 1…T steps.
  case purityReference(weight: Double)
  /// The most confident positions first, with annealed noise (MaskGIT); `temperature` is τ. 1…L steps.
  case maskGIT(temperature: Double)
  /// Positions spread evenly, in the order of Halton's sequence. 1…L steps.
  case halton
  /// Revealed tokens may be masked again (ReMDM). Any number of steps.
  case remasking(Remasking)

  /// What the methods are called in settings and on the command line.
  public enum Name: String, Sendable, CaseIterable {
    case ancestral
    case stridedReference = "strided-reference"
    case fewerTokens = "fewer-tokens"
    case purity
    case purityReference = "purity-reference"
    case maskGIT = "maskgit"
    case halton
    case remasking = "remdm"
  }

  /// The settings of the methods, of which each has its own.
  public struct Parameters: Sendable, Equatable {
    /// r of the purity samplers.
    public var purityWeight: Double
    /// τ of MaskGIT.
    public var choiceTemperature: Double
    /// Of ReMDM.
    public var remasking: Remasking

    public init(
      purityWeight: Double = 1, choiceTemperature: Double = Parameters.publishedChoiceTemperature,
      remasking: Remasking = .cap(0.02)
    ) {
      (self.purityWeight, self.choiceTemperature, self.remasking) = (purityWeight, choiceTemperature, remasking)
    }

    /// Of MaskGIT's published ImageNet model.
    public static let publishedChoiceTemperature = 4.5
  }

  /// The method of a name, with those of the parameters that it has.
  public init(_ name: Name, _ parameters: Parameters = Parameters()) {
    switch name {
    case .ancestral: self = .ancestral
    case .stridedReference: self = .stridedReference
    case .fewerTokens: self = .fewerTokens
    case .purity: self = .purity(weight: parameters.purityWeight)
    case .purityReference: self = .purityReference(weight: parameters.purityWeight)
    case .maskGIT: self = .maskGIT(temperature: parameters.choiceTemperature)
    case .halton: self = .halton
    case .remasking: self = .remasking(parameters.remasking)
    }
  }

  public var name: Name {
    switch self {
    case .ancestral: .ancestral
    case .stridedReference: .stridedReference
    case .fewerTokens: .fewerTokens
    case .purity: .purity
    case .purityReference: .purityReference
    case .maskGIT: .maskGIT
    case .halton: .halton
    case .remasking: .remasking
    }
  }

  /// The numbers of steps that the method can take; `stridedReference` not all of them.
  ///
  /// - Parameters:
  ///   - timesteps: T of the schedule, or the time that sampling starts from.
  ///   - length: L, the number of tokens.
  public func allowedSteps(timesteps: Int, length: Int) -> ClosedRange<Int> {
    switch self {
    case .ancestral, .stridedReference, .purityReference: 1...timesteps
    case .fewerTokens, .purity, .maskGIT, .halton: 1...length
    case .remasking: 1...RemaskingSampler.largestSteps
    }
  }

  /// The number of steps nearest to `steps` that the method can take; of two as near the smaller.
  ///
  /// - Parameters:
  ///   - timesteps: T of the schedule, or the time that sampling starts from.
  ///   - length: L, the number of tokens.
  public func nearestSteps(to steps: Int, timesteps: Int, length: Int) -> Int {
    let allowed = allowedSteps(timesteps: timesteps, length: length)
    let clamped = min(max(steps, allowed.lowerBound), allowed.upperBound)
    guard self == .stridedReference else { return clamped }
    return StridedReferenceSampler.possibleSteps(timesteps: timesteps)
      .min { (abs($0 - clamped), $0) < (abs($1 - clamped), $1) } ?? clamped
  }

  /// Whether the method visits times, so that a grid of them can be chosen.
  public var visitsTimes: Bool {
    switch self {
    case .ancestral, .remasking: true
    case .stridedReference, .fewerTokens, .purity, .purityReference, .maskGIT, .halton: false
    }
  }

  /// - Throws: `steps`, `needsMasks`, `timestepGrid`, `gridUnused` and what the method's own settings can be wrong in.
  package func sampler(_ plan: SamplingPlan) throws(DiffusionError) -> any Sampler {
    guard visitsTimes || plan.timestepGrid == .linear else { throw .gridUnused(sampler: name.rawValue) }
    return switch self {
    case .ancestral: try AncestralSampler(plan)
    case .stridedReference: try StridedReferenceSampler(plan)
    case .fewerTokens: try FewerTokensSampler(plan)
    case .purity(let weight): try PuritySampler(plan, weight: weight)
    case .purityReference(let weight): try PublicPuritySampler(plan, rule: .purity(weight: weight))
    case .maskGIT(let temperature): try MaskGITSampler(plan, temperature: temperature)
    case .halton: try HaltonSampler(plan)
    case .remasking(let remasking): try RemaskingSampler(plan, remasking: remasking)
    }
  }
}
