import CKernels

extension Gradient {
  /// y = LN(x) · weight + bias over the last dimension D, as `FloatTensor.layerNorm(weight:bias:epsilon:)`.
  ///
  /// With the normalised n and g = dy · weight: dx = (g − mean(g) − n · mean(g n)) / √(variance + ε), dweight = Σ dy n, dbias = Σ dy.
  ///
  /// - Parameter weight, bias: [D].
  package static func layerNorm(
    _ x: FloatTensor, weight: FloatTensor, bias: FloatTensor, epsilon: Float = 1e-5
  ) -> Differentiated<(x: FloatTensor, weight: FloatTensor, bias: FloatTensor)> {
    Differentiated(x.layerNorm(weight: weight, bias: bias, epsilon: epsilon)) { dy in
      let width = weight.count
      let (dx, sums) = layerNormGradients(
        x, dy, scales: weight.reshaped([1, width]), offset: 0, epsilon: epsilon)
      return (dx, sums.rows(0..<1, width: width).reshaped([width]), sums.rows(1..<2, width: width).reshaped([width]))
    }
  }

  /// Adaptive layer norm y = LN(x) · (1 + scale_b) + shift_b, as `FloatTensor.layerNorm(modulation:epsilon:)`.
  ///
  /// - Parameter modulation: [B, 2D], scale then shift, for x [B, L, D]; so is its gradient.
  package static func layerNorm(
    _ x: FloatTensor, modulation: FloatTensor, epsilon: Float = 1e-5
  ) -> Differentiated<(x: FloatTensor, modulation: FloatTensor)> {
    Differentiated(x.layerNorm(modulation: modulation, epsilon: epsilon)) { dy in
      layerNormGradients(x, dy, scales: modulation, offset: 1, epsilon: epsilon)
    }
  }

  /// The pullback of a layer norm whose scale, `offset` + the first D of a row of `scales`, is one for each image.
  ///
  /// - Returns: dx, and for each image Σ dy n and Σ dy side by side: [images, 2D].
  private static func layerNormGradients(
    _ x: FloatTensor, _ dy: FloatTensor, scales: FloatTensor, offset: Float, epsilon: Float
  ) -> (FloatTensor, FloatTensor) {
    let (images, width, grain) = (scales.shape[0], x.shape[x.shape.count - 1], FloatTensor.sumGrain)
    let length = images == 0 ? 0 : x.count / width / images
    let chunks = (length + grain - 1) / grain
    var partial = [Double](repeating: 0, count: images * chunks * 2 * width)
    defer { keepAlive(x, dy, scales) }
    let dx = FloatTensor(uninitialized: x.shape) { dx in
      partial.withUnsafeMutableBufferPointer { partial in
        guard let sums = SharedPointer(partial) else { return }
        ThreadPool.shared.parallelFor(images * chunks) { [dx = SharedPointer(dx)] task in
          let (image, chunk) = task.quotientAndRemainder(dividingBy: chunks)
          let first = (image * length + chunk * grain) * width
          let sum = sums + task * 2 * width
          vqd_layer_norm_gradient(
            x.base + first, dy.base + first, dx + first, min(grain, length - chunk * grain), width, epsilon,
            scales.base + image * scales.shape[1], offset, sum, sum + width)
        }
      }
    }
    return (dx, chunkSums(partial, images: images, chunks: chunks, width: 2 * width))
  }

  /// Sums over the chunks of each image, in their order: [images, chunks, width] to [images, width].
  static func chunkSums(_ partial: [Double], images: Int, chunks: Int, width: Int) -> FloatTensor {
    FloatTensor(uninitialized: [images, width]) { sums in
      for image in 0..<images {
        for column in 0..<width {
          sums[image * width + column] = Float(
            (0..<chunks).reduce(0.0) { $0 + partial[(image * chunks + $1) * width + column] })
        }
      }
    }
  }
}
