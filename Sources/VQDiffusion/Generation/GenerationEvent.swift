import Diffusion

/// Where a batch stands (see `Diffusion.SamplingProgress`).
public typealias SamplingProgress = Diffusion.SamplingProgress

/// What a running generation reports.
public enum GenerationEvent: Sendable {
  /// A batch has taken a step.
  case step(GenerationStep)
  /// A batch is finished, its images decoded.
  case images([GeneratedImage])
}

/// Where a generation stands.
public struct GenerationStep: Sendable {
  /// Numbers, in the request, of the images of the batch.
  public let images: Range<Int>
  /// Images of the whole request.
  public let totalImages: Int
  /// Steps of this batch, and the tokens of its images ([MASK] = K).
  public let progress: SamplingProgress
}

/// A finished image.
public struct GeneratedImage: Sendable {
  /// Its number in the request, from 0.
  public let index: Int
  /// Its class; nil from an unconditional model.
  public let label: Int?
  /// A request for one image of this class with this seed and the same settings makes it again.
  public let seed: UInt64
  public let image: RGBImage
  /// Its L codes, row by row.
  public let tokens: [Int32]
}
