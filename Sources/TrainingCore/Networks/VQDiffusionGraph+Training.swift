import Checkpoint
import Tensor
import Transformer

extension VQDiffusionConfiguration: TrainableNetwork {
  package func graph() throws -> any DenoiserGraph { try VQDiffusionGraph(self) }
}

extension VQDiffusionGraph: DenoiserGraph {
  package var configuration: any NetworkConfiguration { network }

  /// The beginning of the public VQ-Diffusion code: linear layers and tables normal with deviation 0.02, their biases 0, norms 1 and
  /// 0, convolutions as in an autoencoder.
  package func initialParameters(seed: UInt64) -> ParameterSet {
    let shapes = network.tensorShapes
    let convolutions = InitialLaw.convolutions(among: shapes)
    return ParameterSet(initial: shapes, seed: seed) { tensor in
      if let law = convolutions[tensor.name] { return law }
      if tensor.name.hasSuffix("bias") { return .constant(0) }
      return tensor.shape.count > 1 ? .normal(0.02) : .constant(1)
    }
  }

  package var classTables: [String] {
    guard let norm = network.classNorm, norm != .sinusoidalLayerNorm else { return [] }
    return (0..<network.layers).map { "blocks.\($0).ln2.emb.weight" }
  }

  package func withNoClass() -> (any NetworkConfiguration)? {
    guard !classTables.isEmpty, let rows = network.classRows else { return nil }
    guard network.unconditionalClass == nil else { return network }
    var configuration = network
    (configuration.classRows, configuration.unconditionalClass) = (rows + 1, rows)
    return configuration
  }
}
