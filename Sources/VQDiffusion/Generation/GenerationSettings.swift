import Diffusion

/// How probabilities of codes are cut off (see `Diffusion.Truncation`).
public typealias Truncation = Diffusion.Truncation

/// The sampling rules (see `Diffusion.SamplingMethod`).
public typealias SamplingMethod = Diffusion.SamplingMethod

/// How tokens are corrupted and how that may be undone: see the types of the same names in `Diffusion`.
public typealias CorruptionKernel = Diffusion.CorruptionKernel
public typealias ReverseRule = Diffusion.ReverseRule
public typealias DiffusionError = Diffusion.DiffusionError
public typealias GuidanceSchedule = Diffusion.GuidanceSchedule
public typealias TimestepGrid = Diffusion.TimestepGrid
public typealias Remasking = Diffusion.Remasking
public typealias KnownTokens = Diffusion.KnownTokens

/// How images are sampled. A model's own defaults are in `VQDiffusionPipeline.defaultSettings`.
public struct GenerationSettings: Sendable, Equatable {
  public var method: SamplingMethod
  /// Evaluations of the network an image gets, at the most; its range depends on `method`.
  public var steps: Int
  /// g = 1 + s of the paper; 1 is no guidance.
  public var guidanceScale: Double
  /// When guidance works.
  public var guidanceSchedule: GuidanceSchedule
  /// Logarithms of the prediction are divided by it, after guidance: below 1 sharpens, above 1 flattens.
  public var temperature: Double
  public var truncation: Truncation
  /// The times that ancestral and remasking sampling visit.
  public var timestepGrid: TimestepGrid
  /// Image i of a request draws from seed + i, so that any one of them can be made again alone.
  public var seed: UInt64
  /// Images that go through the networks together. Changes memory and speed, never the images.
  public var batchSize: Int

  public init(
    method: SamplingMethod, steps: Int, guidanceScale: Double = 1, guidanceSchedule: GuidanceSchedule = .constant,
    temperature: Double = 1, truncation: Truncation = .none, timestepGrid: TimestepGrid = .linear, seed: UInt64 = 0,
    batchSize: Int = 25
  ) {
    self.method = method
    self.steps = steps
    self.guidanceScale = guidanceScale
    self.guidanceSchedule = guidanceSchedule
    self.temperature = temperature
    self.truncation = truncation
    self.timestepGrid = timestepGrid
    self.seed = seed
    self.batchSize = batchSize
  }
}
