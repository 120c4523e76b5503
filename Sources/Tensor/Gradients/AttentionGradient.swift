import CBLAS
import CKernels

extension Gradient {
  /// Multi-head self-attention as `FloatTensor.selfAttention(heads:)`: y = softmax(q kᵀ / √d) v.
  ///
  /// With P the probabilities: dv = Pᵀ dy, dP = dy vᵀ, dS = P ∘ (dP − Σ P dP) / √d, dq = dS k, dk = dSᵀ q. P is computed anew, some
  /// queries at a time.
  ///
  /// - Parameter projections: query, key and value side by side, [B, L, 3D]; so is the gradient.
  package static func selfAttention(_ projections: FloatTensor, heads: Int) -> Differentiated<FloatTensor> {
    Differentiated(projections.selfAttention(heads: heads)) { dy in
      let (batch, length, width) = (dy.shape[0], dy.shape[1], dy.shape[2])
      let headWidth = width / heads
      defer { keepAlive(projections, dy) }
      return FloatTensor(uninitialized: projections.shape) { gradient in
        ThreadPool.shared.parallelFor(batch * heads) { task in
          let (image, head) = task.quotientAndRemainder(dividingBy: heads)
          let place = image * length * 3 * width + head * headWidth
          let query = projections.base + place
          AttentionHeadGradient(
            query: query, key: query + width, value: query + 2 * width, queries: length, keys: length, width: headWidth,
            queryStride: 3 * width, keyStride: 3 * width
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
    _ queries: FloatTensor, _ keysAndValues: [FloatTensor], heads: Int
  ) -> Differentiated<(queries: FloatTensor, keysAndValues: [FloatTensor])> {
    Differentiated(queries.crossAttention(keysAndValues, heads: heads)) { dy in
      let (batch, length, width) = (dy.shape[0], dy.shape[1], dy.shape[2])
      let headWidth = width / heads
      // One tensor for all sequences, from which their parts are cut.
      let starts = keysAndValues.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
      var ofKeysAndValues = FloatTensor(zeros: [starts[batch]])
      let keyGradients = ofKeysAndValues.mutableBase()
      defer { withExtendedLifetime((queries, keysAndValues, dy, ofKeysAndValues)) {} }
      let ofQueries = FloatTensor(uninitialized: queries.shape) { gradient in
        ThreadPool.shared.parallelFor(batch * heads) { task in
          let (image, head) = task.quotientAndRemainder(dividingBy: heads)
          let place = image * length * width + head * headWidth
          let key = keysAndValues[image].base + head * headWidth
          let keyGradient = keyGradients + starts[image] + head * headWidth
          AttentionHeadGradient(
            query: queries.base + place, key: key, value: key + width, queries: length,
            keys: keysAndValues[image].shape[0], width: headWidth, queryStride: width, keyStride: 2 * width
          ).pullBack(
            dy.base + place, stride: width, query: gradient + place, key: keyGradient, value: keyGradient + width)
        }
      }
      let parts = keysAndValues.indices.map { ofKeysAndValues.view(at: starts[$0], shape: keysAndValues[$0].shape) }
      return (ofQueries, parts)
    }
  }
}

/// The pullback of one head of one image; gradients lie with the strides of what they belong to.
private struct AttentionHeadGradient {
  let query, key, value: UnsafePointer<Float>
  let queries, keys, width: Int
  let queryStride, keyStride: Int

  /// Queries whose scores stay in the second-level cache.
  private static let block = 256

  func pullBack(
    _ dy: UnsafePointer<Float>, stride: Int, query dQuery: UnsafeMutablePointer<Float>,
    key dKey: UnsafeMutablePointer<Float>, value dValue: UnsafeMutablePointer<Float>
  ) {
    let scale = 1 / Float(width).squareRoot()
    let longest = min(queries, Self.block)
    let scratch = Storage(count: 2 * longest * keys)
    defer { withExtendedLifetime(scratch) {} }
    let (weights, scores) = (scratch.base, scratch.base + longest * keys)
    for first in Swift.stride(from: 0, to: queries, by: Self.block) {
      let rows = min(Self.block, queries - first)
      let (from, up) = (query + first * queryStride, dy + first * stride)
      /// A gradient of the keys' shape grows from block to block.
      let beta: Float = first == 0 ? 0 : 1
      scoreProduct(from, queryStride, key, rows: rows, into: weights)
      vqd_softmax(weights, rows, keys, keys, scale)
      transposedProduct(weights, up, stride, rows: rows, beta: beta, into: dValue)
      scoreProduct(up, stride, value, rows: rows, into: scores)
      vqd_softmax_gradient(weights, scores, scores, rows, keys, scale)
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rows), blasint(width), blasint(keys), 1, scores, blasint(keys), key,
        blasint(keyStride), 0, dQuery + first * queryStride, blasint(queryStride))
      transposedProduct(scores, from, queryStride, rows: rows, beta: beta, into: dKey)
    }
  }

  /// a · bᵀ for rows a and the rows b of all keys or values: [rows, keys].
  private func scoreProduct(
    _ a: UnsafePointer<Float>, _ aStride: Int, _ b: UnsafePointer<Float>, rows: Int, into c: UnsafeMutablePointer<Float>
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows), blasint(keys), blasint(width), 1, a, blasint(aStride), b,
      blasint(keyStride), 0, c, blasint(keys))
  }

  /// scoresᵀ · b + β c: [keys, width].
  private func transposedProduct(
    _ scores: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ bStride: Int, rows: Int, beta: Float,
    into c: UnsafeMutablePointer<Float>
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, blasint(keys), blasint(width), blasint(rows), 1, scores, blasint(keys), b,
      blasint(bStride), beta, c, blasint(keyStride))
  }
}
