import Evaluation
import Foundation
import Images
import ModelFiles
import VQVAE

/// What an evaluation needs to know of a set of images.
public struct ImageSummary: Sendable {
  /// Pooled features of the VQ encoder.
  public let features: FeatureSet
  /// How much of the codebook the images' tokens use.
  public let codeUsage: CodeUsage
  /// Files of a folder that aren't among the images: previews and animations.
  public let leftOut: Int
}

extension ImageCodec {
  /// Images that are encoded at once.
  private static let summaryBatch = 32

  /// Encodes all PNG and JPEG files below a folder, some at a time; cancelling the task stops it between those. PNG files that state the
  /// step of a preview in their `ImageRecord`, and animated ones, are left out and counted.
  ///
  /// - Throws: `PipelineError.noImages`, `ImageError` for a file that can't be read or hasn't the size of the model's images;
  ///   `EvaluationError`, `CancellationError`.
  public func summary(ofImagesIn folder: URL) throws -> ImageSummary {
    let files = try ImageFolder.images(in: folder)
    return try Log.timed("encoded", ["folder": "\(folder.path)", "images": "\(files.count)"]) {
      try summary(name: folder.path, count: files.count) { index in
        try ImageFolder.image(at: files[index], expecting: imageSize)
      }
    }
  }

  /// Encodes images of the model's size, some at a time; cancelling the task stops it between those.
  ///
  /// - Parameter name: what messages call the set.
  /// - Throws: `ImageError.wrongSize`, `EvaluationError`, `CancellationError`.
  public func summary(of images: [RGBImage], name: String) throws -> ImageSummary {
    try summary(name: name, count: images.count) { index in
      let image = images[index]
      try image.size.check(file: "\(index) of \(name)", expecting: imageSize, maximumPixels: .max)
      return image
    }
  }

  /// - Parameter image: each image by its number; nil for those to leave out.
  private func summary(name: String, count: Int, image: (Int) throws -> RGBImage?) throws -> ImageSummary {
    var histogram = [Int](repeating: 0, count: codes)
    var features: [Double] = []
    var (dimension, leftOut) = (0, 0)
    for first in stride(from: 0, to: count, by: Self.summaryBatch) {
      try Task.checkCancellation()
      let numbers = first..<min(first + Self.summaryBatch, count)
      let batch = try numbers.compactMap(image)
      leftOut += numbers.count - batch.count
      if batch.isEmpty { continue }
      let (tokens, maps) = try tokensAndFeatures(batch)
      guard let maps else { throw PipelineError.featuresMissing }
      for token in tokens.tokens { histogram[Int(token)] += 1 }
      dimension = EncoderFeatures.dimension(channels: maps.shape[3])
      features += EncoderFeatures.pooled(maps)
    }
    guard leftOut == 0 || leftOut < count else {
      throw PipelineError.noImages(folder: name, found: "only previews and animations")
    }
    return ImageSummary(
      features: try FeatureSet(name: name, values: features, dimension: max(dimension, 1)),
      codeUsage: try CodeUsage(histogram: histogram), leftOut: leftOut)
  }
}
