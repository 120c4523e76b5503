import Diffusion

extension SamplingMethod.Name {
  /// The method of a name as users write it.
  ///
  /// - Throws: `PipelineError.invalidOption`.
  public init(option: String) throws(PipelineError) {
    guard let name = Self(rawValue: option) else {
      let names = Self.allCases.map(\.rawValue).joined(separator: ", ")
      throw .invalidOption(name: "sampler", expected: "one of \(names)", found: option)
    }
    self = name
  }
}

extension SamplingMethod {
  /// r of the purity samplers; nil for methods without it.
  public var purityWeight: Double? {
    switch self {
    case .purity(let weight), .purityReference(let weight): weight
    default: nil
    }
  }

  /// τ of MaskGIT; nil for methods without it.
  public var choiceTemperature: Double? {
    if case .maskGIT(let temperature) = self { temperature } else { nil }
  }

  /// Of ReMDM; nil for methods without it.
  public var remasking: Remasking? {
    if case .remasking(let remasking) = self { remasking } else { nil }
  }

  /// The method's own parameters, and the usual ones for what it doesn't have.
  public var parameters: Parameters {
    var parameters = Parameters()
    parameters.purityWeight = purityWeight ?? parameters.purityWeight
    parameters.choiceTemperature = choiceTemperature ?? parameters.choiceTemperature
    parameters.remasking = remasking ?? parameters.remasking
    return parameters
  }
}

extension Remasking {
  /// `cap:η`, `rescale:η` with η in 0…1, or `confidence`.
  ///
  /// - Throws: `PipelineError.invalidOption`.
  public init(option: String) throws(PipelineError) {
    let parts = option.split(separator: ":", omittingEmptySubsequences: false)
    switch (parts.first, parts.count == 2 ? Double(parts[1]) : nil) {
    case ("cap", let strength?): self = .cap(strength)
    case ("rescale", let strength?): self = .rescale(strength)
    case ("confidence", nil) where parts.count == 1: self = .confidence
    default: throw .invalidOption(name: "remasking", expected: "cap:N, rescale:N (N in 0…1) or confidence", found: option)
    }
  }

  /// What `init(option:)` reads back.
  public var option: String {
    switch self {
    case .cap(let strength): "cap:\(strength)"
    case .rescale(let strength): "rescale:\(strength)"
    case .confidence: "confidence"
    }
  }
}

extension GuidanceSchedule {
  /// `constant`, `ramp`, or `interval:A:B` for noise levels A…B within 0…1.
  ///
  /// - Throws: `PipelineError.invalidOption`.
  public init(option: String) throws(PipelineError) {
    let error = PipelineError.invalidOption(
      name: "guidance schedule", expected: "constant, ramp or interval:A:B with 0 ≤ A < B ≤ 1", found: option)
    switch option {
    case "constant": self = .constant
    case "ramp": self = .ramp
    default:
      let ends = option.dropFirst("interval:".count).split(separator: ":").map { Double($0) }
      guard option.hasPrefix("interval:"), ends.count == 2, let from = ends[0], let to = ends[1], from < to else { throw error }
      self = .interval(from...to)
    }
  }

  /// What `init(option:)` reads back.
  public var option: String {
    switch self {
    case .constant: "constant"
    case .ramp: "ramp"
    case .interval(let interval): "interval:\(interval.lowerBound):\(interval.upperBound)"
    }
  }
}

extension TimestepGrid {
  /// `linear`, `cosine`, or times that fall, separated by commas.
  ///
  /// - Throws: `PipelineError.invalidOption`.
  public init(option: String) throws(PipelineError) {
    switch option {
    case "linear": self = .linear
    case "cosine": self = .cosine
    default:
      let times = option.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
      guard !times.contains(nil) else {
        throw .invalidOption(
          name: "timestep grid", expected: "linear, cosine or whole numbers separated by commas", found: option)
      }
      self = .custom(times.compactMap { $0 })
    }
  }

  /// What `init(option:)` reads back.
  public var option: String {
    switch self {
    case .linear: "linear"
    case .cosine: "cosine"
    case .custom(let times): times.map(String.init).joined(separator: ",")
    }
  }
}

extension Truncation {
  /// `none`, a probability in (0, 1] for a nucleus, or `top-K` for the K most probable codes.
  ///
  /// - Throws: `PipelineError.invalidOption`.
  public init(option: String) throws(PipelineError) {
    let text = option.lowercased()
    if text == "none" {
      self = .none
    } else if text.hasPrefix("top-"), let codes = Int(text.dropFirst(4)), codes >= 1 {
      self = .topCodes(codes)
    } else if let probability = Double(text), probability > 0, probability <= 1 {
      self = .nucleus(probability)
    } else {
      throw .invalidOption(name: "truncation", expected: "none, a probability in (0, 1] or top-K", found: option)
    }
  }

  /// What `init(option:)` reads back.
  public var option: String {
    switch self {
    case .none: "none"
    case .nucleus(let probability): "\(probability)"
    case .topCodes(let codes): "top-\(codes)"
    }
  }
}
