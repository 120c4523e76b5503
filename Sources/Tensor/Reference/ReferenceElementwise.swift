import Foundation

extension Reference {
  package static func activation(_ x: Double, _ activation: Activation) -> Double {
    switch activation {
    case .identity: x
    case .silu: x / (1 + exp(-x))
    case .gelu: x * 0.5 * erfc(-x / 2.0.squareRoot())
    case .quickGELU: x / (1 + exp(-1.702 * x))
    }
  }

  package static func applying(_ function: Activation, to x: FloatTensor) -> FloatTensor {
    FloatTensor(x.values.map { Float(activation(Double($0), function)) }, shape: x.shape)
  }

  /// exp(s x) / Σ exp(s x) over the last dimension.
  package static func softmax(_ x: FloatTensor, scale: Double = 1) -> FloatTensor {
    mapRows(x) { row, _ in
      let largest = row.reduce(-.infinity, max)
      let weights = row.map { exp(scale * ($0 - largest)) }
      let sum = weights.reduce(0, +)
      return weights.map { $0 / sum }
    }
  }

  /// x − log Σ exp(x) over the last dimension.
  package static func logSoftmax(_ x: FloatTensor) -> FloatTensor {
    mapRows(x) { row, _ in
      let largest = row.reduce(-.infinity, max)
      let logSum = log(row.reduce(0) { $0 + exp($1 - largest) })
      return row.map { $0 - largest - logSum }
    }
  }

  /// Each pixel four times: [B, H, W, C] becomes [B, 2H, 2W, C].
  package static func upsampledNearest(_ x: FloatTensor) -> FloatTensor {
    tensor([x.shape[0], 2 * x.shape[1], 2 * x.shape[2], x.shape[3]]) { index in
      Double(x[index[0], index[1] / 2, index[2] / 2, index[3]])
    }
  }
}
