import Diffusion

/// `scheduler/config.json`: the corruption that a model was trained against.
struct SchedulerConfiguration: Codable {
  enum Kind: String, CaseIterable {
    case maskAndReplace = "mask_and_replace"
    case firstPaper = "first_paper"
    case absorbing
    case uniform
  }

  var kind: String
  var timesteps: Int
  /// The ends of the straight lines of `mask_and_replace`.
  var alpha1: Double?
  var alphaT: Double?
  var gamma1: Double?
  var gammaT: Double?
  /// Of `uniform`: how a step backwards uses the prediction; `marginal` if absent.
  var reverse: String?

  enum CodingKeys: String, CodingKey {
    case kind, timesteps, reverse
    case alpha1 = "alpha_1"
    case alphaT = "alpha_T"
    case gamma1 = "gamma_1"
    case gammaT = "gamma_T"
  }

  /// The straight lines that the released models were trained with (`alpha1` of the public implementation).
  static func released(timesteps: Int) -> SchedulerConfiguration {
    SchedulerConfiguration(
      kind: Kind.maskAndReplace.rawValue, timesteps: timesteps, alpha1: 0.99999, alphaT: 0.000009, gamma1: 0.000009,
      gammaT: 0.99999)
  }

  /// - Parameter file: for messages.
  /// - Throws: `PipelineError.invalidConfiguration`, `.unusable`.
  func kernel(codes: Int, file: String) throws(PipelineError) -> any CorruptionKernel {
    func invalid(_ field: String, _ expected: [String], _ found: String) -> PipelineError {
      .invalidConfiguration(file: file, field: field, expected: expected.joined(separator: ", "), found: found)
    }
    guard let known = Kind(rawValue: kind) else { throw invalid("kind", Kind.allCases.map(\.rawValue), kind) }
    guard let rule = reverse.map(ReverseRule.init) ?? .marginal else {
      throw invalid("reverse", ReverseRule.allCases.map(\.rawValue), reverse ?? "")
    }
    func number(_ value: Double?, _ field: String) throws(PipelineError) -> Double {
      guard let value else { throw invalid(field, ["a value"], "nothing") }
      return value
    }
    try expectOnlyFields(of: known, file: file)
    do {
      switch known {
      case .firstPaper: return try .firstPaper(timesteps: timesteps, codes: codes) as MaskAndReplaceSchedule
      case .absorbing: return try AbsorbingSchedule(timesteps: timesteps, codes: codes)
      case .uniform: return try UniformSchedule(timesteps: timesteps, codes: codes, reverseRule: rule)
      case .maskAndReplace:
        return try MaskAndReplaceSchedule(
          timesteps: timesteps, codes: codes, alpha1: number(alpha1, "alpha_1"), alphaT: number(alphaT, "alpha_T"),
          gamma1: number(gamma1, "gamma_1"), gammaT: number(gammaT, "gamma_T"))
      }
    } catch let error as PipelineError {
      throw error
    } catch {
      throw .unusable(file: file, reason: "\(error)")
    }
  }

  /// A field that means nothing with this kind is a mistake.
  private func expectOnlyFields(of kind: Kind, file: String) throws(PipelineError) {
    let lines: [(String, Double?)] = [("alpha_1", alpha1), ("alpha_T", alphaT), ("gamma_1", gamma1), ("gamma_T", gammaT)]
    var superfluous = kind == .maskAndReplace ? [] : lines.filter { $0.1 != nil }.map(\.0)
    if kind != .uniform, reverse != nil { superfluous.append("reverse") }
    guard let field = superfluous.first else { return }
    throw .invalidConfiguration(file: file, field: field, expected: "nothing with kind \(kind.rawValue)", found: "a value")
  }
}
