import CBLAS
import CKernels

extension FloatTensor {
  /// Multi-head self-attention as `selfAttention(heads:products:)`, but each token attends to itself and those before it only:
  /// y_i = Σ_{j ≤ i} softmax_j(q_i k_jᵀ / √d) v_j.
  ///
  /// [B, L, 3D] to [B, L, D]. Made for text encoders, whose sequences are short and computed once an image: query by query,
  /// without packing. Later tokens aren't read at all, so not even their NaN or infinity shows.
  package func causalSelfAttention(heads: Int) -> FloatTensor {
    precondition(
      shape.count == 3 && shape[2].isMultiple(of: 3 * heads), "\(shape) isn't [B, L, 3D] for \(heads) heads")
    let (batch, length, width) = (shape[0], shape[1], shape[2] / 3)
    let (headWidth, stride) = (width / heads, 3 * width)
    let scale = 1 / Float(headWidth).squareRoot()
    defer { keepAlive(self) }
    return FloatTensor(uninitialized: [batch, length, width]) { y in
      ThreadPool.shared.parallelFor(batch * heads) { [y = SharedPointer(y)] task in
        let (sequence, head) = task.quotientAndRemainder(dividingBy: heads)
        let query = base + sequence * length * stride + head * headWidth
        let output = y + sequence * length * width + head * headWidth
        let scores = Storage(count: length)
        defer { withExtendedLifetime(scores) {} }
        for token in 0..<length {
          let seen = token + 1
          cblas_sgemv(
            CblasRowMajor, CblasNoTrans, blasint(seen), blasint(headWidth), 1, query + width, blasint(stride),
            query + token * stride, 1, 0, scores.base, 1)
          vqd_softmax(scores.base, 1, seen, seen, scale)
          cblas_sgemv(
            CblasRowMajor, CblasTrans, blasint(seen), blasint(headWidth), 1, query + 2 * width, blasint(stride), scores.base, 1,
            0, output + token * width, 1)
        }
      }
    }
  }
}
