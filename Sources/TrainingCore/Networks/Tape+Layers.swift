import Tensor

// The networks' layers by the names of their parameters.
extension Tape {
  /// `NAME.weight` [out, in] (or [out, in, 1, 1]) and `NAME.bias`.
  package func linear(_ x: Node, _ name: String) throws(TrainingError) -> Node {
    let (weight, bias) = (try parameter(name + ".weight"), try parameter(name + ".bias"))
    let shape = weight.value.shape
    let matrix = weight.value.reshaped([shape[0], shape[1]])
    return record(Gradient.linear(x.value, weight: matrix, bias: bias.value, options: options)) { gradients in
      x.add(gradients.x)
      weight.add(gradients.weight.reshaped(shape))
      bias.add(gradients.bias)
    }
  }

  /// Several linear layers of one input as one, outputs side by side.
  package func stackedLinear(_ x: Node, _ names: [String]) throws(TrainingError) -> Node {
    var parts: [(weight: Node, bias: Node)] = []
    for name in names { parts.append((try parameter(name + ".weight"), try parameter(name + ".bias"))) }
    let inputs = x.value.shape[x.value.shape.count - 1]
    let weight = FloatTensor(parts.flatMap(\.weight.value.values), shape: [parts.reduce(0) { $0 + $1.bias.value.count }, inputs])
    let bias = FloatTensor(parts.flatMap(\.bias.value.values), shape: [weight.shape[0]])
    return record(Gradient.linear(x.value, weight: weight, bias: bias, options: options)) { gradients in
      x.add(gradients.x)
      var row = 0
      for part in parts {
        let rows = row..<row + part.bias.value.count
        part.weight.add(gradients.weight.rows(rows, width: inputs).reshaped(part.weight.value.shape))
        part.bias.add(gradients.bias.rows(rows, width: 1).reshaped(part.bias.value.shape))
        row = rows.upperBound
      }
    }
  }

  /// Rows of a table.
  package func embedding(_ table: Node, _ indices: [Int32]) -> Node {
    record(Gradient.embedding(table.value, indices: indices)) { table.add($0) }
  }

  package func applying(_ activation: Activation, to x: Node) -> Node {
    record(Gradient.applying(activation, to: x.value)) { x.add($0) }
  }

  /// `NAME.weight` and `NAME.bias` [D].
  package func layerNorm(_ x: Node, _ name: String) throws(TrainingError) -> Node {
    let (weight, bias) = (try parameter(name + ".weight"), try parameter(name + ".bias"))
    return record(Gradient.layerNorm(x.value, weight: weight.value, bias: bias.value)) { gradients in
      x.add(gradients.x)
      weight.add(gradients.weight)
      bias.add(gradients.bias)
    }
  }

  /// LN(x) · (1 + scale) + shift, with [scale, shift] [B, 2D].
  package func layerNorm(_ x: Node, modulation: Node) -> Node {
    record(Gradient.layerNorm(x.value, modulation: modulation.value)) { gradients in
      x.add(gradients.x)
      modulation.add(gradients.modulation)
    }
  }

  /// Of query, key and value side by side, [B, L, 3D].
  package func selfAttention(_ projections: Node, heads: Int) -> Node {
    record(Gradient.selfAttention(projections.value, heads: heads, products: options.products)) { projections.add($0) }
  }

  /// LN over the sequence of each channel instead: IN(x) · (1 + scale) + shift.
  package func instanceNorm(_ x: Node, modulation: Node) -> Node {
    record(Gradient.instanceNorm(x.value, modulation: modulation.value)) { gradients in
      x.add(gradients.x)
      modulation.add(gradients.modulation)
    }
  }

  /// `NAME.weight` and `NAME.bias` [C], then the activation.
  package func groupNorm(_ x: Node, _ name: String, groups: Int, activation: Activation = .identity) throws(TrainingError) -> Node
  {
    let (weight, bias) = (try parameter(name + ".weight"), try parameter(name + ".bias"))
    let norm = Gradient.groupNorm(x.value, groups: groups, weight: weight.value, bias: bias.value, activation: activation)
    return record(norm) { gradients in
      x.add(gradients.x)
      weight.add(gradients.weight)
      bias.add(gradients.bias)
    }
  }

  /// `NAME.weight` [out, in, window, window] and `NAME.bias`, over images [B, H, W, C].
  package func convolution(_ x: Node, _ name: String, kind: Convolution.Kind) throws(TrainingError) -> Node {
    let (weight, bias) = (try parameter(name + ".weight"), try parameter(name + ".bias"))
    let convolution = Gradient.convolution(
      x.value, weight: weight.value, bias: bias.value, kind: kind, options: options)
    return record(convolution) { gradients in
      x.add(gradients.x)
      weight.add(gradients.weight)
      bias.add(gradients.bias)
    }
  }

  package func upsampledNearest(_ x: Node) -> Node {
    record(Gradient.upsampledNearest(x.value)) { x.add($0) }
  }

  /// u = z/|z| for each row z of the last axis; dz = (du − (du·u) u)/|z|.
  package func normalizedRows(_ x: Node) -> Node {
    let shape = x.value.shape
    let width = shape[shape.count - 1]
    let rows = x.value.reshaped([x.value.count / width, width])
    let unit = rows.normalizedRows()
    return record(unit.reshaped(shape)) { gradient in
      x.add(unit.normalizationGradient(gradient, of: rows).reshaped(shape))
    }
  }
}

extension FloatTensor {
  /// (g − (g·u) u)/|z| of each row [N, D], u being this tensor's row z/|z|.
  fileprivate func normalizationGradient(_ gradient: FloatTensor, of rows: FloatTensor) -> FloatTensor {
    let (count, width) = (shape[0], shape[1])
    defer { keepAlive(self, gradient, rows) }
    return FloatTensor(uninitialized: shape) { target in
      ThreadPool.shared.parallelFor(count) { [target = SharedPointer(target)] row in
        let (u, g, z, target) = (base, gradient.base, rows.base, target.pointer)
        let start = row * width
        var (along, square) = (0.0, 0.0)
        for i in start..<start + width {
          along += Double(g[i]) * Double(u[i])
          square += Double(z[i]) * Double(z[i])
        }
        let norm = max(square.squareRoot(), 1e-12)
        for i in start..<start + width { target[i] = Float((Double(g[i]) - along * Double(u[i])) / norm) }
      }
    }
  }
}
