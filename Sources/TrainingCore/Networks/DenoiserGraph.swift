import Tensor
import Transformer

/// A denoising network in training: its forward pass on a tape, over parameters that change.
package protocol DenoiserGraph: Sendable {
  var configuration: any NetworkConfiguration { get }

  /// Logits of p(x̃_0 | x_t, y): [B, L, K].
  ///
  /// - Parameters:
  ///   - tokens: x_t, B × L, in 0…K.
  ///   - timesteps: B network indices 0..<T.
  ///   - classes: B rows of the class table; empty in an unconditional model.
  /// - Throws: `TrainingError.unknown` for a parameter that the network has and the set hasn't.
  func logits(_ tape: Tape, tokens: [Int32], timesteps: [Int], classes: [Int]) throws(TrainingError) -> Node

  /// The parameters that training begins with.
  func initialParameters(seed: UInt64) -> ParameterSet

  /// Names of the class-embedding tables [rows, D]; empty without them.
  var classTables: [String] { get }

  /// The configuration of the same network with one more row in its class tables, which stands for "no class"; nil for a network
  /// without class tables. A network that has such a row already keeps its configuration.
  func withNoClass() -> (any NetworkConfiguration)?
}

extension DenoiserGraph {
  package var facts: NetworkFacts { configuration.facts }
}

/// A family of denoising networks that can be trained.
package protocol TrainableNetwork: NetworkConfiguration {
  /// - Throws: `TransformerError.invalidConfiguration`.
  func graph() throws -> any DenoiserGraph
}

package enum DenoiserGraphs {
  /// The graph of a configuration.
  ///
  /// - Throws: `TransformerError.invalidConfiguration`; `TrainingError.untrainable`.
  package static func graph(of configuration: any NetworkConfiguration) throws -> any DenoiserGraph {
    guard let trainable = configuration as? any TrainableNetwork else {
      throw TrainingError.untrainable(family: type(of: configuration).family)
    }
    return try trainable.graph()
  }
}
