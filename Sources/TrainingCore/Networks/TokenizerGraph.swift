import Tensor
import VQVAE

/// An image tokenizer in training: encoder and decoder on a tape, over parameters that change.
package protocol TokenizerGraph: Sendable {
  var configuration: any TokenizerConfiguration { get }

  /// The name of the codes among the parameters.
  static var codesName: String { get }

  /// Dimension of a code, D.
  var codeDimension: Int { get }

  /// The latents that are quantised, [B, h, w, D], of images [B, H, W, 3] in −1…1.
  ///
  /// - Throws: `TrainingError.unknown` for a parameter that the network has and the set hasn't.
  func latents(_ tape: Tape, of images: FloatTensor) throws(TrainingError) -> Node

  /// Images [B, H, W, 3], about −1…1, of quantised latents [B, h, w, D].
  ///
  /// - Throws: as `latents`.
  func images(_ tape: Tape, of quantized: Node) throws(TrainingError) -> Node

  /// The parameters that training begins with, the codes [K, D] under `codesName`.
  func initialParameters(seed: UInt64) -> ParameterSet

  /// Whether a parameter belongs to the encoder's side, up to the latents.
  func isEncoderParameter(_ name: String) -> Bool

  /// Whether a parameter belongs to the decoder's side, after the codes.
  func isDecoderParameter(_ name: String) -> Bool

  /// The configuration of the trained network.
  ///
  /// - Parameter comparesByAngle: whether latents go to the code of the largest cosine instead of the nearest one.
  /// - Returns: the configuration, and the name under which it expects the codes.
  func trained(comparesByAngle: Bool) -> (configuration: any TokenizerConfiguration, codesName: String)

  /// The same network with another number of codes, the nearest of which latents go to; nil for a network whose latents are compared
  /// in another way.
  ///
  /// - Throws: `VQVAEError.invalidConfiguration`.
  func refitted(codes: Int) throws -> (any TokenizerGraph)?
}

extension TokenizerGraph {
  package var facts: TokenizerFacts { configuration.facts }

  /// The layout of the tokens of a training image.
  ///
  /// - Throws: `VQVAEError.invalidConfiguration` if that image doesn't give whole tokens.
  package func layout() throws(VQVAEError) -> TokenLayout {
    if let layout = configuration.nativeLayout { return layout }
    throw .invalidConfiguration(
      field: "resolution", expected: "a multiple of the \(facts.pixelsPerToken ?? 1) pixels a token", found: "\(facts.height)")
  }
}

/// A family of image tokenizers that can be trained.
package protocol TrainableTokenizer: TokenizerConfiguration {
  /// - Throws: `VQVAEError.invalidConfiguration`.
  func graph() throws -> any TokenizerGraph
}

package enum TokenizerGraphs {
  /// The graph of a configuration.
  ///
  /// - Throws: `VQVAEError.invalidConfiguration`; `TrainingError.untrainable`.
  package static func graph(of configuration: any TokenizerConfiguration) throws -> any TokenizerGraph {
    guard let trainable = configuration as? any TrainableTokenizer else {
      throw TrainingError.untrainable(family: type(of: configuration).family)
    }
    return try trainable.graph()
  }
}
