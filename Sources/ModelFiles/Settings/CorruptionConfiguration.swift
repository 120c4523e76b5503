import Diffusion

/// Which corruption a model is trained against, as `scheduler/config.json` names it.
public enum CorruptionKind: String, Codable, Sendable, CaseIterable {
  /// VQ-Diffusion's, with the released models' straight lines.
  case maskAndReplace = "mask_and_replace"
  /// VQ-Diffusion's as the first paper printed it (Gu et al. 2022, Section 5.1).
  case firstPaper = "first_paper"
  /// Masks alone (Austin et al. 2021).
  case absorbing
  /// Replacement alone, by codes of equal probability (VQ-DDM, Hu et al. 2021).
  case uniform
}

/// `scheduler/config.json`: the corruption that a model was trained against.
package struct CorruptionConfiguration: Codable, Sendable {
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

  /// A kind with its usual numbers.
  package init(_ kind: CorruptionKind, timesteps: Int) {
    self = kind == .maskAndReplace ? .released(timesteps: timesteps) : Self(kind: kind.rawValue, timesteps: timesteps)
  }

  init(
    kind: String, timesteps: Int, alpha1: Double? = nil, alphaT: Double? = nil, gamma1: Double? = nil, gammaT: Double? = nil
  ) {
    (self.kind, self.timesteps) = (kind, timesteps)
    (self.alpha1, self.alphaT, self.gamma1, self.gammaT) = (alpha1, alphaT, gamma1, gammaT)
  }

  /// The straight lines that the released models were trained with (`alpha1` of the public implementation).
  static func released(timesteps: Int) -> CorruptionConfiguration {
    CorruptionConfiguration(
      kind: CorruptionKind.maskAndReplace.rawValue, timesteps: timesteps, alpha1: 0.99999, alphaT: 0.000009, gamma1: 0.000009,
      gammaT: 0.99999)
  }

  /// - Parameter file: for messages.
  /// - Throws: `ModelFileError.invalidConfiguration`, `.unusable`.
  package func corruption(codes: Int, file: String) throws(ModelFileError) -> any Corruption {
    func invalid(_ field: String, _ expected: [String], _ found: String) -> ModelFileError {
      .invalidConfiguration(file: file, field: field, expected: expected.joined(separator: ", "), found: found)
    }
    guard let known = CorruptionKind(rawValue: kind) else { throw invalid("kind", CorruptionKind.allCases.map(\.rawValue), kind) }
    guard let rule = reverse.map(ReverseRule.init) ?? .marginal else {
      throw invalid("reverse", ReverseRule.allCases.map(\.rawValue), reverse ?? "")
    }
    func number(_ value: Double?, _ field: String) throws(ModelFileError) -> Double {
      guard let value else { throw invalid(field, ["a value"], "nothing") }
      return value
    }
    try expectOnlyFields(of: known, file: file)
    do {
      switch known {
      case .firstPaper: return try .firstPaper(timesteps: timesteps, codes: codes) as MaskAndReplaceCorruption
      case .absorbing: return try AbsorbingCorruption(timesteps: timesteps, codes: codes)
      case .uniform: return try UniformCorruption(timesteps: timesteps, codes: codes, reverseRule: rule)
      case .maskAndReplace:
        return try MaskAndReplaceCorruption(
          timesteps: timesteps, codes: codes, alpha1: number(alpha1, "alpha_1"), alphaT: number(alphaT, "alpha_T"),
          gamma1: number(gamma1, "gamma_1"), gammaT: number(gammaT, "gamma_T"))
      }
    } catch let error as ModelFileError {
      throw error
    } catch {
      throw .unusable(file: file, reason: "\(error)")
    }
  }

  /// A field that means nothing with this kind is a mistake.
  private func expectOnlyFields(of kind: CorruptionKind, file: String) throws(ModelFileError) {
    let lines: [(String, Double?)] = [("alpha_1", alpha1), ("alpha_T", alphaT), ("gamma_1", gamma1), ("gamma_T", gammaT)]
    var superfluous = kind == .maskAndReplace ? [] : lines.filter { $0.1 != nil }.map(\.0)
    if kind != .uniform, reverse != nil { superfluous.append("reverse") }
    guard let field = superfluous.first else { return }
    throw .invalidConfiguration(file: file, field: field, expected: "nothing with kind \(kind.rawValue)", found: "a value")
  }
}
