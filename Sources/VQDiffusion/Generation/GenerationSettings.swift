import Diffusion

/// How images are generated. A model's own settings are in `VQDiffusionPipeline.defaultSettings`.
///
/// The fields of `SamplingSettings` can be read and written as this type's own: `settings.steps = 25`.
@dynamicMemberLookup
public struct GenerationSettings: Sendable, Equatable {
  public var sampling: SamplingSettings
  /// Image i of a request equals the first image generated with seed + i.
  public var seed: UInt64
  /// Images that go through the networks together. Changes memory and speed, never the images.
  public var batchSize: Int

  public init(_ sampling: SamplingSettings, seed: UInt64 = 0, batchSize: Int = 25) {
    (self.sampling, self.seed, self.batchSize) = (sampling, seed, batchSize)
  }

  public init(
    method: SamplingMethod, steps: Int, guidanceScale: Double = 1, guidanceSchedule: GuidanceSchedule = .constant,
    temperature: Double = 1, truncation: Truncation = .none, timestepGrid: TimestepGrid = .linear, seed: UInt64 = 0,
    batchSize: Int = 25
  ) {
    self.init(
      SamplingSettings(
        method: method, steps: steps, guidanceScale: guidanceScale, guidanceSchedule: guidanceSchedule,
        temperature: temperature, truncation: truncation, timestepGrid: timestepGrid),
      seed: seed, batchSize: batchSize)
  }

  public subscript<Value>(dynamicMember field: WritableKeyPath<SamplingSettings, Value>) -> Value {
    get { sampling[keyPath: field] }
    set { sampling[keyPath: field] = newValue }
  }
}
