import CBLAS
import CKernels

extension FloatTensor {
  /// Multi-head self-attention without its projections: softmax(q kᵀ / √d) v for each head of width d = D / heads.
  ///
  /// Self is [B, L, 3D], for each token its query, key and value side by side, as one GEMM over stacked projections
  /// gives them; heads are consecutive slices. The result is [B, L, D].
  public func selfAttention(heads: Int, products: ComputeOptions.Products = .packed) -> FloatTensor {
    precondition(
      shape.count == 3 && shape[2].isMultiple(of: 3 * heads), "\(shape) isn't [B, L, 3D] for \(heads) heads")
    let (batch, length, width) = (shape[0], shape[1], shape[2] / 3)
    // Queries whose scores stay in the second-level cache; with BLAS cut by L alone (see `PanelGEMM`).
    let queryBlock = products == .packed ? 64 : 256
    let blocks = (length + queryBlock - 1) / queryBlock
    // A head's keys and values are packed once for each part.
    let parts =
      products == .packed ? min(blocks, 1 + 4 * ThreadPool.shared.threadCount / max(batch * heads, 1)) : blocks
    defer { keepAlive(self) }
    return FloatTensor(uninitialized: [batch, length, width]) { y in
      ThreadPool.shared.parallelFor(batch * heads * parts) { task in
        let (imageAndHead, part) = task.quotientAndRemainder(dividingBy: parts)
        let (image, index) = imageAndHead.quotientAndRemainder(dividingBy: heads)
        let head = AttentionHead(
          slice: base + image * length * 3 * width + index * (width / heads), stride: 3 * width, length: length,
          width: width / heads, output: y + image * length * width + index * (width / heads), outputStride: width)
        let ranges = (part * blocks / parts..<(part + 1) * blocks / parts).map {
          $0 * queryBlock..<min(($0 + 1) * queryBlock, length)
        }
        switch products {
        case .packed: head.attendPacked(ranges)
        case .openBLAS: head.attendByBLAS(ranges)
        }
      }
    }
  }
}

/// One head of one image: slices of rows, the query's at `slice`, key's and value's a third of `stride` and two thirds further on.
private struct AttentionHead {
  let slice: UnsafePointer<Float>
  let stride: Int
  let length: Int
  let width: Int
  let output: UnsafeMutablePointer<Float>
  let outputStride: Int

  private var key: UnsafePointer<Float> { slice + stride / 3 }
  private var value: UnsafePointer<Float> { slice + 2 * (stride / 3) }
  private var scale: Float { 1 / Float(width).squareRoot() }

  func attendPacked(_ queryRanges: [Range<Int>]) {
    let tile = PackedWeights.tileColumns
    let keys = Storage(count: PackedWeights.tileCount(length) * tile * width)
    let values = Storage(count: PackedWeights.tileCount(width) * tile * length)
    let scores = Storage(count: (queryRanges.map(\.count).max() ?? 0) * length)
    defer { withExtendedLifetime((keys, values, scores)) {} }
    vqd_pack_weights(key, stride, keys.base, length, width)
    vqd_pack_transposed(value, stride, values.base, width, length)
    for queries in queryRanges {
      vqd_packed_gemm(
        slice + queries.lowerBound * stride, stride, keys.base, nil, scores.base, length, queries.count, width, length, 0)
      vqd_softmax(scores.base, queries.count, length, length, scale)
      vqd_packed_gemm(
        scores.base, length, values.base, nil, output + queries.lowerBound * outputStride, outputStride, queries.count, length,
        width, 0)
    }
  }

  /// Nothing is transposed or copied: BLAS reads the slices in place.
  func attendByBLAS(_ queryRanges: [Range<Int>]) {
    let scores = Storage(count: (queryRanges.map(\.count).max() ?? 0) * length)
    defer { withExtendedLifetime(scores) {} }
    for queries in queryRanges {
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, blasint(queries.count), blasint(length), blasint(width), 1,
        slice + queries.lowerBound * stride, blasint(stride), key, blasint(stride), 0, scores.base, blasint(length))
      vqd_softmax(scores.base, queries.count, length, length, scale)
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(queries.count), blasint(width), blasint(length), 1,
        scores.base, blasint(length), value, blasint(stride), 0, output + queries.lowerBound * outputStride,
        blasint(outputStride))
    }
  }
}
