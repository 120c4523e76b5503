import Checkpoint
import Foundation
import ModelFiles
import Tensor
import TrainingCore

/// How a codebook is made smaller (ReFiT, Hu et al. 2021, Section 3.3).
public struct RefitSettings: Codable, Sendable, Equatable {
  /// Codes of the new codebook.
  public var codes: Int
  /// The most latents that k-means clusters.
  public var clusteredLatents: Int
  public var reconstruction: AutoencoderSettings.Reconstruction
  public var optimization: OptimizationSettings
  public var augmentation: AugmentationSettings
  public var reports: ReportSettings

  enum CodingKeys: String, CodingKey {
    case codes, reconstruction, optimization, augmentation, reports
    case clusteredLatents = "clustered_latents"
  }

  public init(
    codes: Int, clusteredLatents: Int = 1 << 17, reconstruction: AutoencoderSettings.Reconstruction = .init(),
    optimization: OptimizationSettings, augmentation: AugmentationSettings = .init(), reports: ReportSettings = .init()
  ) {
    (self.codes, self.clusteredLatents, self.reconstruction) = (codes, clusteredLatents, reconstruction)
    (self.optimization, self.augmentation, self.reports) = (optimization, augmentation, reports)
  }

  /// - Throws: `TrainingError.setting`.
  func validate() throws {
    try optimization.validate()
    try augmentation.validate()
    try reports.validate()
    try TrainingError.require("codes", Double(codes), "2 or more") { $0 >= 2 }
    try TrainingError.require("clustered_latents", Double(clusteredLatents), "as many as codes, or more") { $0 >= Double(codes) }
  }
}

/// The encoded training set is clustered into fewer codes, which replace the codebook; then decoder, codes and the convolution behind
/// them are trained on, while the encoder stays.
struct Refit {
  private let settings: RefitSettings
  private let graph: any TokenizerGraph
  private let trained: ParameterSet
  private let frozen: ParameterSet

  /// - Throws: `TrainingRunError.unsuitableModel` for an autoencoder whose codes aren't the nearest ones, or are too few.
  init(_ settings: RefitSettings, _ autoencoder: TrainedModel.Autoencoder) throws {
    let location = autoencoder.tensors.map(\.file).joined(separator: ", ")
    let whole = try TokenizerGraphs.graph(of: autoencoder.configuration)
    guard let graph = try whole.refitted(codes: settings.codes) else {
      throw TrainingRunError.unsuitableModel(
        model: location, expected: "an autoencoder whose codes are the nearest ones",
        found: "another quantizer: \(autoencoder.configuration.summary)")
    }
    guard settings.codes < whole.facts.codes else {
      throw TrainingRunError.unsuitableModel(
        model: location, expected: "more codes than the \(settings.codes) asked for", found: "\(whole.facts.codes)")
    }
    (self.settings, self.graph) = (settings, graph)
    // Loaded first, so that what is missing is told.
    _ = try autoencoder.tokenizer()
    let all = try ParameterSet(WeightLoader(autoencoder.tensors))
    func subset(_ isPart: (String) -> Bool) throws -> ParameterSet {
      try ParameterSet(all.names.filter(isPart).compactMap { name in all[name].map { (name, $0) } })
    }
    (frozen, trained) = (try subset(graph.isEncoderParameter), try subset(graph.isDecoderParameter))
  }

  /// - Parameter findsCodes: whether codes have to be found; a run that goes on from a state has them there.
  func trainer(batches: ImageBatches, validation: ValidationImages?, findsCodes: Bool) throws -> AutoencoderTrainer {
    let codes =
      findsCodes ? try clusters(of: batches.images) : FloatTensor(zeros: [settings.codes, graph.codeDimension])
    var parameters = trained
    try parameters.append(type(of: graph).codesName, codes)
    return try AutoencoderTrainer(
      AutoencoderTraining(
        optimization: settings.optimization, reconstruction: settings.reconstruction, codebook: .init(kind: .gradient),
        augmentation: settings.augmentation, reports: settings.reports),
      graph, parameters, frozen: frozen, batches: batches, validation: validation)
  }

  private func clusters(of images: PreparedImages) throws -> FloatTensor {
    let length = try graph.layout().count
    let chosen = images.spread((settings.clusteredLatents + length - 1) / length)
    var latents: [Float] = []
    for start in stride(from: 0, to: chosen.count, by: 64) {
      let some = try images.tensor(Array(chosen[start..<min(start + 64, chosen.count)])).images
      if some.count > 0 { latents += try graph.latents(Tape(frozen), of: some).value.values }
    }
    let rows = FloatTensor(latents, shape: [latents.count / graph.codeDimension, graph.codeDimension])
    return try KMeans(rows, codes: settings.codes, seed: settings.optimization.seed).codes
  }
}
