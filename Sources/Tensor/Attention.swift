import CBLAS
import CKernels

extension FloatTensor {
  /// Multi-head self-attention without its projections: softmax(q kᵀ / √d) v for each head of width d = D / heads.
  ///
  /// Self is [B, L, 3D], for each token its query, key and value side by side, as one GEMM over stacked projections
  /// gives them; heads are consecutive slices. Nothing is transposed: BLAS reads the slices in place. The result is [B, L, D].
  public func selfAttention(heads: Int) -> FloatTensor {
    precondition(
      shape.count == 3 && shape[2].isMultiple(of: 3 * heads), "\(shape) isn't [B, L, 3D] for \(heads) heads")
    let (batch, length, width) = (shape[0], shape[1], shape[2] / 3)
    let headWidth = width / heads
    // Blocks of queries, so that one large image still gives work to several threads; cut by L alone.
    let queryBlock = 256
    let blocks = (length + queryBlock - 1) / queryBlock
    let scale = 1 / Float(headWidth).squareRoot()
    defer { keepAlive(self) }
    return FloatTensor(uninitialized: [batch, length, width]) { y in
      ThreadPool.shared.parallelFor(batch * heads * blocks) { task in
        let (imageAndHead, block) = task.quotientAndRemainder(dividingBy: blocks)
        let (image, head) = imageAndHead.quotientAndRemainder(dividingBy: heads)
        let first = block * queryBlock
        let queries = min(queryBlock, length - first)
        let slice = base + image * length * 3 * width + head * headWidth
        attendOneBlock(
          query: slice + first * 3 * width, key: slice + width, value: slice + 2 * width, stride: 3 * width,
          into: y + (image * length + first) * width + head * headWidth, outputStride: width,
          queries: queries, keys: length, headWidth: headWidth, scale: scale)
      }
    }
  }
}

/// One block of queries of one head; all operands are slices of rows with the given strides.
private func attendOneBlock(
  query: UnsafePointer<Float>, key: UnsafePointer<Float>, value: UnsafePointer<Float>, stride: Int,
  into output: UnsafeMutablePointer<Float>, outputStride: Int, queries: Int, keys: Int, headWidth: Int, scale: Float
) {
  let scores = Storage(count: queries * keys)
  defer { withExtendedLifetime(scores) {} }
  cblas_sgemm(
    CblasRowMajor, CblasNoTrans, CblasTrans, blasint(queries), blasint(keys), blasint(headWidth), 1,
    query, blasint(stride), key, blasint(stride), 0, scores.base, blasint(keys))
  vqd_softmax(scores.base, queries, keys, keys, scale)
  cblas_sgemm(
    CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(queries), blasint(headWidth), blasint(keys), 1,
    scores.base, blasint(keys), value, blasint(stride), 0, output, blasint(outputStride))
}
