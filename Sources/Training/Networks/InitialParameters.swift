import Checkpoint
import Foundation
import Synchronization
import Tensor
import Transformer
import VQVAE

/// The parameters that a network's training begins with: of every tensor that loading the network asks for.
///
/// Each number is a function of the seed, the tensor's rank among the names, and its place there.
extension ParameterSet {
  /// Of an autoencoder: weights and biases of convolutions uniform in ±1/√fan-in (He et al. 2015, with PyTorch's a = √5), norms 1 and 0,
  /// codes uniform in ±1/K.
  ///
  /// - Throws: `VQVAEError.invalidConfiguration`.
  package init(initial configuration: VQModelConfiguration, seed: UInt64) throws {
    var configuration = configuration
    configuration.quantizer = .nearest
    let made = Made()
    _ = try VQModel(configuration, weights: Weights { made.add($0, $1) })
    let convolutions = made.convolutions
    self.init(made, seed: seed) { name, shape in
      if name == "quantize.embedding.weight" { return .uniform(1 / Double(shape[0])) }
      return convolutions[name] ?? .constant(name.hasSuffix("bias") ? 0 : 1)
    }
  }

  /// Of a denoiser, as the public VQ-Diffusion code begins: linear layers and tables normal with deviation 0.02, their biases 0, norms 1
  /// and 0, convolutions as in an autoencoder.
  ///
  /// - Throws: `TransformerError.invalidConfiguration`.
  package init(initial configuration: DenoiserConfiguration, seed: UInt64) throws {
    let made = Made()
    _ = try DenoisingTransformer(configuration, weights: Weights { made.add($0, $1) })
    let convolutions = made.convolutions
    self.init(made, seed: seed) { name, shape in
      if let law = convolutions[name] { return law }
      if name.hasSuffix("bias") { return .constant(0) }
      return shape.count > 1 ? .normal(0.02) : .constant(1)
    }
  }

  private enum Law {
    case constant(Float)
    /// In ±the bound.
    case uniform(Double)
    /// Of mean 0 and this deviation.
    case normal(Double)
  }

  private init(_ made: Made, seed: UInt64, law: (_ name: String, _ shape: [Int]) -> Law) {
    self.init()
    let noise = TrainingNoise(seed: seed)
    for (place, (name, shape)) in made.shapes.sorted(by: { $0.name < $1.name }).enumerated() {
      let count = shape.reduce(1, *)
      func uniform(_ number: Int) -> Double { noise.uniform(.initialParameter, iteration: place, number: number) }
      let values: [Float] =
        switch law(name, shape) {
        case .constant(let value): Array(repeating: value, count: count)
        case .uniform(let bound): (0..<count).map { Float((2 * uniform($0) - 1) * bound) }
        case .normal(let deviation):
          // Box and Muller 1958
          (0..<count).map { Float(deviation * (-2 * log(uniform(2 * $0))).squareRoot() * cos(2 * .pi * uniform(2 * $0 + 1))) }
        }
      insert(name, FloatTensor(values, shape: shape))
    }
  }

  /// The tensors that a network asked for.
  private final class Made: Sendable {
    private let asked = Mutex<[(name: String, shape: [Int])]>([])

    var shapes: [(name: String, shape: [Int])] { asked.withLock { $0 } }

    /// The laws of convolutions' weights and biases, by name.
    var convolutions: [String: Law] {
      var laws: [String: Law] = [:]
      for (name, shape) in shapes where shape.count == 4 {
        let law = Law.uniform(1 / Double(shape.dropFirst().reduce(1, *)).squareRoot())
        laws[name] = law
        if name.hasSuffix("weight") { laws[name.dropLast("weight".count) + "bias"] = law }
      }
      return laws
    }

    func add(_ name: String, _ shape: [Int]) -> FloatTensor {
      asked.withLock { asked in
        if !asked.contains(where: { $0.name == name }) { asked.append((name, shape)) }
      }
      return FloatTensor(zeros: shape)
    }
  }
}
