import Checkpoint

/// The architecture of a family of denoising networks, as `transformer/config.json` of a model folder states it.
package protocol NetworkConfiguration: Codable, Sendable {
  /// The family's name in configuration files.
  static var family: String { get }

  var facts: NetworkFacts { get }

  /// One line for people: the kind of network and its size.
  var summary: String { get }

  /// Name and shape of every tensor that the network reads.
  var tensorShapes: [TensorShape] { get }

  /// Tensors that checkpoints of the architecture may hold and that the network doesn't read. Each name also stands for all
  /// names below it.
  var unusedTensors: [String] { get }

  /// Checks that the numbers fit together.
  ///
  /// - Throws: `TransformerError.invalidConfiguration`.
  func validate() throws(TransformerError)

  /// Loads the network.
  ///
  /// - Throws: `TransformerError` for a configuration that doesn't fit together; `CheckpointError` for a tensor that is missing, has
  ///   another shape than the configuration asks for, or isn't part of the architecture.
  func network(_ weights: WeightLoader) throws -> any DenoisingNetwork
}
