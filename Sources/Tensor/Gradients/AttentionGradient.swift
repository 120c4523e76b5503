extension Gradient {
  /// Multi-head self-attention as `FloatTensor.selfAttention(heads:)`: y = softmax(q kᵀ / √d) v.
  ///
  /// With P the probabilities: dv = Pᵀ dy, dP = dy vᵀ, dS = P ∘ (dP − Σ P dP) / √d, dq = dS k, dk = dSᵀ q. P is computed anew, some
  /// queries at a time.
  ///
  /// - Parameter projections: query, key and value side by side, [B, L, 3D]; so is the gradient.
  package static func selfAttention(
    _ projections: FloatTensor, heads: Int, products: ComputeOptions.Products = .packed
  ) -> Differentiated<FloatTensor> {
    return Differentiated(projections.selfAttention(heads: heads, products: products)) { dy in
      let (batch, length, width) = (dy.shape[0], dy.shape[1], dy.shape[2])
      let headWidth = width / heads
      defer { keepAlive(projections, dy) }
      return FloatTensor(uninitialized: projections.shape) { gradient in
        ThreadPool.shared.parallelFor(batch * heads) { [gradient = SharedPointer(gradient)] task in
          let (image, head) = task.quotientAndRemainder(dividingBy: heads)
          let place = image * length * 3 * width + head * headWidth
          let query = projections.base + place
          AttentionHeadGradient(
            query: query, key: query + width, value: query + 2 * width, queries: length, keys: length, width: headWidth,
            queryStride: 3 * width, keyStride: 3 * width, products: products
          ).pullBack(
            dy.base + image * length * width + head * headWidth, stride: width, query: gradient + place,
            key: gradient + place + width, value: gradient + place + 2 * width)
        }
      }
    }
  }

  /// Multi-head cross-attention as `FloatTensor.crossAttention(_:heads:)`.
  ///
  /// - Parameters:
  ///   - queries: [B, L, D].
  ///   - keysAndValues: of each of the B sequences [T, 2D]; their gradients are as many, also where sequences share a tensor.
  package static func crossAttention(
    _ queries: FloatTensor, _ keysAndValues: [FloatTensor], heads: Int,
    products: ComputeOptions.Products = .packed
  ) -> Differentiated<(queries: FloatTensor, keysAndValues: [FloatTensor])> {
    return Differentiated(queries.crossAttention(keysAndValues, heads: heads, products: products)) { dy in
      let (batch, length, width) = (dy.shape[0], dy.shape[1], dy.shape[2])
      let headWidth = width / heads
      // One tensor for all sequences, from which their parts are cut.
      let starts = keysAndValues.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
      var ofKeysAndValues = FloatTensor(zeros: [starts[batch]])
      let keyGradients = SharedPointer(ofKeysAndValues.mutableBase())
      defer { withExtendedLifetime((queries, keysAndValues, dy, ofKeysAndValues)) {} }
      let ofQueries = FloatTensor(uninitialized: queries.shape) { gradient in
        ThreadPool.shared.parallelFor(batch * heads) { [gradient = SharedPointer(gradient)] task in
          let (image, head) = task.quotientAndRemainder(dividingBy: heads)
          let place = image * length * width + head * headWidth
          let key = keysAndValues[image].base + head * headWidth
          let keyGradient = keyGradients + starts[image] + head * headWidth
          AttentionHeadGradient(
            query: queries.base + place, key: key, value: key + width, queries: length,
            keys: keysAndValues[image].shape[0], width: headWidth, queryStride: width, keyStride: 2 * width,
            products: products
          ).pullBack(
            dy.base + place, stride: width, query: gradient + place, key: keyGradient, value: keyGradient + width)
        }
      }
      let parts = keysAndValues.indices.map { ofKeysAndValues.view(at: starts[$0], shape: keysAndValues[$0].shape) }
      return (ofQueries, parts)
    }
  }
}
