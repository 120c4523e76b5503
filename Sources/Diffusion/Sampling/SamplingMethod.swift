/// A sampling rule with its parameters.
public enum SamplingMethod: Sendable, Equatable {
  /// Draws every token from the exact posterior at each step (Eq. 5). With fewer steps than T the posterior is the exact one
  /// between the visited times. 1…T steps.
  case ancestral
  /// The public code's fast sampling, which takes a one-step posterior instead. Only the numbers of steps that a stride gives.
  case stridedReference
  /// Reveals a fixed number of random positions per step (Algorithm 1). 1…L steps.
  case fewerTokens
  /// Reveals the purest positions first, with sharpened predictions (Algorithm 2); `weight` is the paper's r. 1…L steps.
  case purity(weight: Double)
  /// The public code's version of Algorithm 2, which redraws everything at the end. 1…T steps.
  case purityReference(weight: Double)
  /// Reveals the most confident positions first, with annealed noise (MaskGIT); `temperature` is τ. 1…L steps.
  case maskGIT(temperature: Double)
  /// Reveals evenly spread positions in the order of Halton's sequence; needs tokens in a grid. 1…L steps.
  case halton
  /// May mask revealed tokens again (ReMDM). Any number of steps.
  case remasking(Remasking)

  /// All methods with their usual parameters: purity weight 1, remasking cap 0.02, and the choice temperature 4.5 of MaskGIT's
  /// published ImageNet model.
  public static let all: [SamplingMethod] = [
    .ancestral, .stridedReference, .fewerTokens, .purity(weight: 1), .purityReference(weight: 1), .maskGIT(temperature: 4.5),
    .halton, .remasking(.cap(0.02)),
  ]

  /// Name in settings and on the command line.
  public var name: String {
    switch self {
    case .ancestral: "ancestral"
    case .stridedReference: "strided-reference"
    case .fewerTokens: "fewer-tokens"
    case .purity: "purity"
    case .purityReference: "purity-reference"
    case .maskGIT: "maskgit"
    case .halton: "halton"
    case .remasking: "remdm"
    }
  }

  /// The method with this name and its usual parameters.
  ///
  /// - Throws: `invalidOption` for an unknown name.
  public init(name: String) throws(DiffusionError) {
    guard let method = Self.all.first(where: { $0.name == name }) else {
      let names = Self.all.map(\.name).joined(separator: ", ")
      throw .invalidOption(name: "sampler", expected: "one of \(names)", found: name)
    }
    self = method
  }

  /// The method with another name. It keeps the parameters that both methods have; the others are the usual ones.
  ///
  /// - Throws: `invalidOption` for an unknown name.
  public func switched(to name: String) throws(DiffusionError) -> SamplingMethod {
    var method = try SamplingMethod(name: name)
    (method.purityWeight, method.choiceTemperature, method.remasking) = (purityWeight, choiceTemperature, remasking)
    return method
  }

  /// Numbers of steps that the method can take; `stridedReference` can't take all of them.
  ///
  /// - Parameters:
  ///   - timesteps: T of the schedule, or the time that sampling starts from; positive.
  ///   - length: L, the number of tokens; positive.
  public func allowedSteps(timesteps: Int, length: Int) -> ClosedRange<Int> {
    switch self {
    case .ancestral, .stridedReference, .purityReference: 1...timesteps
    case .fewerTokens, .purity, .maskGIT, .halton: 1...length
    case .remasking: 1...RemaskingSampler.largestSteps
    }
  }

  /// The number of steps nearest to `steps` that the method can take. Ties go to the smaller number.
  ///
  /// - Parameters:
  ///   - timesteps: T of the schedule, or the time that sampling starts from; positive.
  ///   - length: L, the number of tokens; positive.
  public func nearestSteps(to steps: Int, timesteps: Int, length: Int) -> Int {
    let allowed = allowedSteps(timesteps: timesteps, length: length)
    let clamped = min(max(steps, allowed.lowerBound), allowed.upperBound)
    guard self == .stridedReference else { return clamped }
    return StridedReferenceSampler.possibleSteps(timesteps: timesteps)
      .min { (abs($0 - clamped), $0) < (abs($1 - clamped), $1) } ?? clamped
  }

  /// Whether the method visits times, so that it can use a `TimestepGrid` other than `.linear`.
  public var visitsTimes: Bool {
    switch self {
    case .ancestral, .remasking: true
    case .stridedReference, .fewerTokens, .purity, .purityReference, .maskGIT, .halton: false
    }
  }

  /// - Throws: `steps`, `needsMasks`, `needsGrid`, `timestepGrid`, `gridUnused`, and errors of the method's own parameters.
  package func sampler(_ plan: SamplingPlan) throws(DiffusionError) -> any Sampler {
    guard visitsTimes || plan.timestepGrid == .linear else { throw .gridUnused(sampler: name) }
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
