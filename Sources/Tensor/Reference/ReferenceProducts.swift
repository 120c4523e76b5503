import Foundation

extension Reference {
  /// op(A) · op(B) over the last two dimensions, for each matrix of the leading ones.
  package static func matrixProduct(
    _ a: FloatTensor, _ b: FloatTensor, transposingA: Bool = false, transposingB: Bool = false
  ) -> FloatTensor {
    let batch = Array(a.shape.dropLast(2))
    let (aRows, aColumns) = (a.shape[batch.count], a.shape[batch.count + 1])
    let (bRows, bColumns) = (b.shape[batch.count], b.shape[batch.count + 1])
    let (m, inner) = transposingA ? (aColumns, aRows) : (aRows, aColumns)
    let n = transposingB ? bRows : bColumns
    let (left, right) = (a.values, b.values)
    let values = (0..<batch.reduce(1, *) * m * n).map { position in
      let (matrix, row, column) = (position / (m * n), position / n % m, position % n)
      var sum = 0.0
      for k in 0..<inner {
        let fromA = transposingA ? k * aColumns + row : row * aColumns + k
        let fromB = transposingB ? column * bColumns + k : k * bColumns + column
        sum += Double(left[matrix * m * inner + fromA]) * Double(right[matrix * inner * n + fromB])
      }
      return Float(sum)
    }
    return FloatTensor(values, shape: batch + [m, n])
  }

  /// activation(x Wᵀ + b) + residual for x [..., in], W [out, in], b [out], residual [..., out].
  package static func linear(
    _ x: FloatTensor, weight: FloatTensor, bias: FloatTensor? = nil, activation function: Activation = .identity,
    residual: FloatTensor? = nil
  ) -> FloatTensor {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let (source, weights) = (x.values, weight.values)
    let (biases, residuals) = (bias?.values, residual?.values)
    let values = (0..<x.count / inputs * outputs).map { position in
      let (row, output) = position.quotientAndRemainder(dividingBy: outputs)
      var sum = 0.0
      for input in 0..<inputs { sum += Double(source[row * inputs + input]) * Double(weights[output * inputs + input]) }
      sum += Double(biases?[output] ?? 0)
      return Float(activation(sum, function) + Double(residuals?[position] ?? 0))
    }
    return FloatTensor(values, shape: x.shape.dropLast() + [outputs])
  }

  /// activation(conv(x) + b) + residual for x [B, H, W, in], W [out, in, window, window], b [out].
  package static func convolution(
    _ x: FloatTensor, weight: FloatTensor, bias: FloatTensor? = nil, kind: Convolution.Kind,
    activation function: Activation = .identity, residual: FloatTensor? = nil
  ) -> FloatTensor {
    let (height, width) = (x.shape[1], x.shape[2])
    let window = weight.shape[2]
    let (stride, padding, size): (Int, Int, [Int]) =
      switch kind {
      case .pointwise: (1, 0, [height, width])
      case .same: (1, 1, [height, width])
      // A row of zeros below and a column on the right only: (n + 1 − 3) / 2 + 1 outputs.
      case .downsampling: (2, 0, [(height + 1 - 3) / 2 + 1, (width + 1 - 3) / 2 + 1])
      }
    return tensor([x.shape[0]] + size + [weight.shape[0]]) { index in
      let (image, output) = (index[0], index[3])
      var sum = Double(bias?[output] ?? 0)
      for dy in 0..<window {
        for dx in 0..<window {
          let (row, column) = (index[1] * stride + dy - padding, index[2] * stride + dx - padding)
          guard (0..<height).contains(row) && (0..<width).contains(column) else { continue }
          for input in 0..<x.shape[3] {
            sum += Double(x[image, row, column, input]) * Double(weight[output, input, dy, dx])
          }
        }
      }
      return activation(sum, function) + Double(residual?[image, index[1], index[2], output] ?? 0)
    }
  }
}
