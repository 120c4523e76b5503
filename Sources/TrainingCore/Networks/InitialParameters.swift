import Checkpoint
import Foundation
import Tensor

/// The distribution that a parameter's first values are drawn from.
package enum InitialLaw {
  case constant(Float)
  /// Uniform in ±the bound.
  case uniform(Double)
  /// Normal with mean 0 and this deviation.
  case normal(Double)

  /// Weights and biases of convolutions by name: uniform in ±1/√fan-in (He et al. 2015, with PyTorch's a = √5).
  package static func convolutions(among shapes: [TensorShape]) -> [String: InitialLaw] {
    var laws: [String: InitialLaw] = [:]
    for tensor in shapes where tensor.shape.count == 4 {
      let law = InitialLaw.uniform(1 / Double(tensor.shape.dropFirst().reduce(1, *)).squareRoot())
      laws[tensor.name] = law
      if tensor.name.hasSuffix("weight") { laws[tensor.name.dropLast("weight".count) + "bias"] = law }
    }
    return laws
  }
}

extension ParameterSet {
  /// The parameters that a network's training begins with, in the order of their names.
  ///
  /// Each number is a function of the seed, the tensor's rank among the names, and its place there.
  package init(initial shapes: [TensorShape], seed: UInt64, law: (TensorShape) -> InitialLaw) {
    self.init()
    let noise = TrainingNoise(seed: seed)
    for (place, tensor) in shapes.sorted(by: { $0.name < $1.name }).enumerated() {
      func uniform(_ number: Int) -> Double { noise.uniform(.initialParameter, iteration: place, number: number) }
      let values: [Float] =
        switch law(tensor) {
        case .constant(let value): Array(repeating: value, count: tensor.count)
        case .uniform(let bound): (0..<tensor.count).map { Float((2 * uniform($0) - 1) * bound) }
        case .normal(let deviation):
          // Box and Muller 1958
          (0..<tensor.count).map {
            Float(deviation * (-2 * log(uniform(2 * $0))).squareRoot() * cos(2 * .pi * uniform(2 * $0 + 1)))
          }
        }
      insert(tensor.name, FloatTensor(values, shape: tensor.shape))
    }
  }
}
