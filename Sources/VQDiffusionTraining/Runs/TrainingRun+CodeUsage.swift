import Evaluation
import Foundation
import VQDiffusion

extension TrainingRun {
  /// How the codebook of the run's autoencoder is used by held-out images, or by those that it was trained on where there are none; at
  /// most as many of them as a validation looks at. Nil of runs that train no codebook.
  ///
  /// - Parameter model: the folder of what has been trained.
  /// - Throws: `DatasetError`, or what loading a model throws.
  public func codeUsage(of model: URL) throws -> VQDiffusion.CodeUsage? {
    let limit: Int
    switch task {
    case .autoencoder(let settings): limit = settings.reports.validationImages
    case .refit(let settings, _): limit = settings.reports.validationImages
    case .denoiser, .guidance: return nil
    }
    let autoencoder = try TrainedModel.Autoencoder(of: ModelLocation(model))
    let side = autoencoder.configuration.resolution
    // Which of them can't be read has been said.
    let prepared = PreparedImages(
      try ImageDataset(at: URL(fileURLWithPath: validation ?? images)), size: ImageSize(width: side, height: side)
    ) { _, _ in }
    let tokens = try TokenSet(prepared, by: autoencoder.model(), mirrored: false, limit: limit)
    return try CodeUsage(histogram: tokens.histogram(codes: autoencoder.configuration.codes))
  }
}

extension TokenSet {
  /// How often each code occurs, [K].
  fileprivate func histogram(codes: Int) -> [Int] {
    var histogram = [Int](repeating: 0, count: codes)
    for image in 0..<count {
      for token in tokens(of: image, variant: 0) { histogram[Int(token)] += 1 }
    }
    return histogram
  }
}
