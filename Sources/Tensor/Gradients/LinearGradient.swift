import CKernels

extension Gradient {
  /// y = x Wᵀ + b; dx = dy W, dW = dyᵀ x, db = Σ dy.
  ///
  /// - Parameters:
  ///   - x: [..., in]; y is [..., out].
  ///   - weight: [out, in].
  ///   - bias: [out] or none, which counts as zeros.
  package static func linear(
    _ x: FloatTensor, weight: FloatTensor, bias: FloatTensor?, options: ComputeOptions = ComputeOptions()
  ) -> Differentiated<(x: FloatTensor, weight: FloatTensor, bias: FloatTensor)> {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    precondition(
      weight.shape.count == 2 && x.shape.last == inputs && bias?.shape ?? [outputs] == [outputs],
      "input \(x.shape), weight \(weight.shape), bias \(bias?.shape ?? [])")
    let value = Linear(weight: weight, bias: bias, options: options)(x)
    return Differentiated(value) { dy in
      defer { keepAlive(x, dy) }
      let dx = Linear(weight: weight.transposed(), bias: nil, options: options)(dy)
      let dWeight = FloatTensor(uninitialized: weight.shape) { dWeight in
        GradientProduct(inner: x.count / inputs, rows: outputs, columns: inputs, products: options.weightProducts)
          .multiply(dy, .memory(x), into: dWeight)
      }
      return (dx, dWeight, dy.columnSums(width: outputs))
    }
  }

  /// y = activation(x), element by element; dx = dy · activation′(x).
  package static func applying(_ activation: Activation, to x: FloatTensor) -> Differentiated<FloatTensor> {
    Differentiated(x.applying(activation)) { dy in
      defer { keepAlive(x, dy) }
      return FloatTensor(uninitialized: x.shape) { dx in
        parallelForChunks(of: x.count, grain: 1 << 15) { [dx = SharedPointer(dx)] range in
          let first = range.lowerBound
          vqd_activation_gradient(x.base + first, dy.base + first, dx + first, range.count, activation.kernel)
        }
      }
    }
  }
}
