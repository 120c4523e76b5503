import Evaluation
import Foundation
import Images
import ModelFiles
import VQDiffusion
import VQVAE

extension TrainingRun {
  /// How the codebook of the run's autoencoder is used by held-out images, or by those that it was trained on where there are none; at
  /// most as many of them as a validation looks at. Nil of runs that train no codebook.
  ///
  /// - Parameter model: the folder of what has been trained.
  /// - Throws: `DatasetError`, or what loading a model throws.
  public func codeUsage(of model: URL) throws -> VQDiffusion.CodeUsage? {
    guard task.kind.trainsAutoencoder else { return nil }
    let autoencoder = try TrainedModel.Autoencoder(of: ModelLocation(model))
    let facts = autoencoder.configuration.facts
    // Which of them can't be read has been said.
    let prepared = PreparedImages(
      try ImageDataset(at: URL(fileURLWithPath: validation ?? images)), size: ImageSize(width: facts.width, height: facts.height)
    ) { _, _ in }
    let tokens = try TokenSet(
      prepared, by: autoencoder.tokenizer(), mirrored: false, limit: task.settings.reports.validationImages)
    return try CodeUsage(histogram: tokens.histogram(codes: facts.codes))
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
