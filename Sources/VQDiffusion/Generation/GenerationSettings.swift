import Diffusion

/// How probabilities of codes are cut off (see `Diffusion.Truncation`).
public typealias Truncation = Diffusion.Truncation

/// The sampling rules (see `Diffusion.SamplingMethod`).
public typealias SamplingMethod = Diffusion.SamplingMethod

/// How images are sampled. A model's own defaults are in `VQDiffusionPipeline.defaultSettings`.
public struct GenerationSettings: Sendable, Equatable {
  public var method: SamplingMethod
  /// Evaluations of the network an image gets, at the most; its range depends on `method`.
  public var steps: Int
  /// g = 1 + s of the paper; 1 is no guidance.
  public var guidanceScale: Double
  public var truncation: Truncation
  /// Image i of a request draws from seed + i, so that any one of them can be made again alone.
  public var seed: UInt64
  /// Images that go through the networks together. Changes memory and speed, never the images.
  public var batchSize: Int

  public init(
    method: SamplingMethod, steps: Int, guidanceScale: Double = 1, truncation: Truncation = .none, seed: UInt64 = 0,
    batchSize: Int = 25
  ) {
    self.method = method
    self.steps = steps
    self.guidanceScale = guidanceScale
    self.truncation = truncation
    self.seed = seed
    self.batchSize = batchSize
  }
}

/// The default settings that a model folder's `model_index.json` may state.
struct GenerationDefaults: Decodable {
  var sampler: String?
  var steps: Int?
  var guidanceScale: Double?
  var truncation: String?
  var purityWeight: Double?

  enum CodingKeys: String, CodingKey {
    case sampler, steps, truncation
    case guidanceScale = "guidance_scale"
    case purityWeight = "purity_weight"
  }

  /// - Throws: `PipelineError.invalidOption` for a sampler or truncation that doesn't exist; `DiffusionError` for numbers
  ///   outside their ranges.
  func settings(schedule: MaskAndReplaceSchedule, length: Int, canGuide: Bool) throws -> GenerationSettings {
    let method = SamplingMethod(
      try SamplingMethod.Name(option: sampler ?? SamplingMethod.Name.ancestral.rawValue), weight: purityWeight ?? 1)
    let steps = min(steps ?? 25, method.allowedSteps(timesteps: schedule.timesteps, length: length).upperBound)
    let guidance = try Guidance(scale: canGuide ? guidanceScale ?? 1 : 1, unconditional: ())
    _ = try method.sampler(schedule, length: length, steps: steps)
    return GenerationSettings(
      method: method, steps: steps, guidanceScale: guidance.scale, truncation: try Truncation(option: truncation ?? "none"))
  }
}

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
    case .ancestral, .fewerTokens: nil
    case .purity(let weight), .purityReference(let weight): weight
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
