import Diffusion
import Images

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
  /// Of the batch's images.
  let subjects: [GenerationSubject]
  let negativePrompt: String?
  let seeds: [UInt64]
}

/// A finished image.
public struct GeneratedImage: Sendable {
  /// Its number in the request, from 0.
  public let index: Int
  /// What it was to show.
  public let subject: GenerationSubject
  /// What guidance led away from, where that was a text.
  public let negativePrompt: String?
  /// A request for one image of this subject with this seed, the same negative text and the same settings makes it again.
  public let seed: UInt64
  /// The decoded tokens, until someone puts an edited picture in their place.
  public var image: RGBImage
  /// Its L codes, row by row.
  public let tokens: [Int32]

  /// Its class; nil where it wasn't asked for by one.
  public var label: Int? { subject.label }
}

extension ImageCodec {
  /// What a step's network expected, as pictures: the clean images x̂_0 of `SamplingProgress.expected`, decoded. Images that took no
  /// part in the step are left out.
  ///
  /// - Parameter step: of a generation that reports expected images; otherwise there are none.
  public func expectedImages(of step: GenerationStep) throws -> [GeneratedImage] {
    let rows = step.progress.expected.indices.filter { step.progress.expected[$0] != nil }
    let expected = step.progress.expected.compactMap { $0 }
    return zip(rows, zip(try previews(of: expected, predicted: expected), expected)).map { row, pair in
      GeneratedImage(
        index: step.images.lowerBound + row, subject: step.subjects[row], negativePrompt: step.negativePrompt,
        seed: step.seeds[row], image: pair.0, tokens: pair.1)
    }
  }

  /// What a step began with, as pictures: the tokens that the network was asked of, masked ones shown as it expects them and covered
  /// (see `previews(of:predicted:)`). Nil for images that took no part in the step.
  ///
  /// - Parameter step: of a generation that reports expected images.
  public func maskedImages(of step: GenerationStep) throws -> [RGBImage?] {
    let progress = step.progress
    let rows = progress.expected.indices.filter { progress.expected[$0] != nil }
    var images = [RGBImage?](repeating: nil, count: progress.expected.count)
    let pictures = try previews(
      of: rows.map { progress.tokensBefore[$0] }, predicted: progress.expected.compactMap { $0 })
    for (row, picture) in zip(rows, pictures) { images[row] = picture }
    return images
  }
}
