import CKernels

extension Gradient {
  /// y = x Wᵀ + b; dx = dy W, dW = dyᵀ x, db = Σ dy.
  ///
  /// - Parameters:
  ///   - x: [..., in]; y is [..., out].
  ///   - weight: [out, in].
  ///   - bias: [out] or none, which counts as zeros.
  package static func linear(
    _ x: FloatTensor, weight: FloatTensor, bias: FloatTensor?
  ) -> Differentiated<(x: FloatTensor, weight: FloatTensor, bias: FloatTensor)> {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    precondition(
      weight.shape.count == 2 && x.shape.last == inputs && bias?.shape ?? [outputs] == [outputs],
      "input \(x.shape), weight \(weight.shape), bias \(bias?.shape ?? [])")
    let rows = x.count / inputs
    let value = FloatTensor(uninitialized: x.shape.dropLast() + [outputs]) { y in
      GradientProduct(rows: rows, columns: outputs, inner: inputs, transposesB: true).multiply(x.base, weight.base, into: y)
      guard let bias else { return }
      parallelForChunks(of: rows, grain: 64) { range in
        vqd_bias_activation(y + range.lowerBound * outputs, range.count, outputs, outputs, bias.base, VQD_IDENTITY)
      }
    }
    keepAlive(x, weight, bias)
    return Differentiated(value) { dy in
      defer { keepAlive(x, weight, dy) }
      let dx = FloatTensor(uninitialized: x.shape) { dx in
        GradientProduct(rows: rows, columns: inputs, inner: outputs).multiply(dy.base, weight.base, into: dx)
      }
      let dWeight = FloatTensor(uninitialized: weight.shape) { dWeight in
        GradientProduct(rows: outputs, columns: inputs, inner: rows, transposesA: true)
          .multiply(dy.base, x.base, into: dWeight)
      }
      return (dx, dWeight, dy.columnSums(width: outputs))
    }
  }

  /// y = activation(x), element by element; dx = dy · activation′(x).
  package static func applying(_ activation: Activation, to x: FloatTensor) -> Differentiated<FloatTensor> {
    Differentiated(x.applying(activation)) { dy in
      defer { keepAlive(x, dy) }
      return FloatTensor(uninitialized: x.shape) { dx in
        parallelForChunks(of: x.count, grain: 1 << 15) { range in
          let first = range.lowerBound
          vqd_activation_gradient(x.base + first, dy.base + first, dx + first, range.count, activation.kernel)
        }
      }
    }
  }
}
