// Settings as texts, for the command line and for files. `option` of a value gives the text that `init(option:)` reads back.

extension Truncation {
  /// Reads `none`, a probability in (0, 1] for a nucleus, or `top-K` for the K most probable codes.
  ///
  /// - Throws: `invalidOption`.
  public init(option: String) throws(DiffusionError) {
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

  /// Text that `init(option:)` reads back.
  public var option: String {
    switch self {
    case .none: "none"
    case .nucleus(let probability): "\(probability)"
    case .topCodes(let codes): "top-\(codes)"
    }
  }
}

extension GuidanceSchedule {
  /// Reads `constant`, `ramp`, or `interval:A:B` for the noise levels A…B within 0…1.
  ///
  /// - Throws: `invalidOption`.
  public init(option: String) throws(DiffusionError) {
    switch option {
    case "constant": self = .constant
    case "ramp": self = .ramp
    default:
      let ends = option.dropFirst("interval:".count).split(separator: ":").map { Double($0) }
      guard option.hasPrefix("interval:"), ends.count == 2, let from = ends[0], let to = ends[1], from < to else {
        throw .invalidOption(
          name: "guidance schedule", expected: "constant, ramp or interval:A:B with 0 ≤ A < B ≤ 1", found: option)
      }
      self = .interval(from...to)
    }
  }

  /// Text that `init(option:)` reads back.
  public var option: String {
    switch self {
    case .constant: "constant"
    case .ramp: "ramp"
    case .interval(let interval): "interval:\(interval.lowerBound):\(interval.upperBound)"
    }
  }
}

extension TimestepGrid {
  /// Reads `linear`, `cosine`, or falling times separated by commas.
  ///
  /// - Throws: `invalidOption`.
  public init(option: String) throws(DiffusionError) {
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

  /// Text that `init(option:)` reads back.
  public var option: String {
    switch self {
    case .linear: "linear"
    case .cosine: "cosine"
    case .custom(let times): times.map(String.init).joined(separator: ",")
    }
  }
}

extension Remasking {
  /// Reads `cap:η` or `rescale:η` with η in 0…1, or `confidence`.
  ///
  /// - Throws: `invalidOption`.
  public init(option: String) throws(DiffusionError) {
    let parts = option.split(separator: ":", omittingEmptySubsequences: false)
    switch (parts.first, parts.count == 2 ? Double(parts[1]) : nil) {
    case ("cap", let strength?): self = .cap(strength)
    case ("rescale", let strength?): self = .rescale(strength)
    case ("confidence", nil) where parts.count == 1: self = .confidence
    default: throw .invalidOption(name: "remasking", expected: "cap:N, rescale:N (N in 0…1) or confidence", found: option)
    }
  }

  /// Text that `init(option:)` reads back.
  public var option: String {
    switch self {
    case .cap(let strength): "cap:\(strength)"
    case .rescale(let strength): "rescale:\(strength)"
    case .confidence: "confidence"
    }
  }
}
