import Checkpoint
import Tensor
import VQVAE

extension TamingVQGANConfiguration: TrainableTokenizer {
  package func graph() throws -> any TokenizerGraph { try TamingVQGANGraph(self) }
}

extension TamingVQGANGraph: TokenizerGraph {
  package static let codesName = "quantize.embedding.weight"

  package var configuration: any TokenizerConfiguration { network }

  package var codeDimension: Int { network.codeDimension }

  /// Weights and biases of convolutions uniform in ±1/√fan-in, norms 1 and 0, codes uniform in ±1/K.
  package func initialParameters(seed: UInt64) -> ParameterSet {
    var network = network
    network.quantizer = .nearest
    let shapes = network.tensorShapes
    let convolutions = InitialLaw.convolutions(among: shapes)
    return ParameterSet(initial: shapes, seed: seed) { tensor in
      if tensor.name == Self.codesName { return .uniform(1 / Double(tensor.shape[0])) }
      return convolutions[tensor.name] ?? .constant(tensor.name.hasSuffix("bias") ? 0 : 1)
    }
  }

  package func isEncoderParameter(_ name: String) -> Bool { name.hasPrefix("encoder.") || name.hasPrefix("quant_conv.") }

  package func isDecoderParameter(_ name: String) -> Bool { name.hasPrefix("decoder.") || name.hasPrefix("post_quant_conv.") }

  package func trained(comparesByAngle: Bool) -> (configuration: any TokenizerConfiguration, codesName: String) {
    var network = network
    network.quantizer = comparesByAngle ? .emaCosine : nil
    return (network, comparesByAngle ? "quantize.embedding" : Self.codesName)
  }

  package func refitted(codes: Int) throws -> (any TokenizerGraph)? {
    let kind = network.quantizer ?? .nearest
    guard kind == .nearest || kind == .ema else { return nil }
    var network = network
    (network.codes, network.quantizer) = (codes, nil)
    return try TamingVQGANGraph(network)
  }
}
