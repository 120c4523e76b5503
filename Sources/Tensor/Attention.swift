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
    let headWidth = width / heads
    defer { keepAlive(self) }
    return FloatTensor(uninitialized: [batch, length, width]) { y in
      AttentionHead.attend(images: batch, heads: heads, queries: length, products: products) {
        [y = SharedPointer(y)] image, index in
        let query = base + image * length * 3 * width + index * headWidth
        return AttentionHead(
          query: query, queryStride: 3 * width, key: query + width, value: query + 2 * width, keyStride: 3 * width,
          keys: length, width: headWidth, output: y + image * length * width + index * headWidth, outputStride: width)
      }
    }
  }
}

/// One head of one image: slices of rows of queries, keys and values.
struct AttentionHead {
  let query: UnsafePointer<Float>
  let queryStride: Int
  let key: UnsafePointer<Float>
  let value: UnsafePointer<Float>
  /// Of keys and values.
  let keyStride: Int
  /// The number of keys and of values.
  let keys: Int
  /// d, of the slices of queries, keys and values.
  let width: Int
  let output: UnsafeMutablePointer<Float>
  let outputStride: Int

  private var scale: Float { 1 / Float(width).squareRoot() }

  /// softmax(q kᵀ / √d) v for all heads of all images, in parallel.
  ///
  /// - Parameters:
  ///   - queries: of each image.
  ///   - head: by image and index; may be asked of the same one several times and from several threads.
  static func attend(
    images: Int, heads: Int, queries: Int, products: ComputeOptions.Products,
    head: @Sendable (_ image: Int, _ index: Int) -> AttentionHead
  ) {
    // Queries whose scores stay in the second-level cache; with BLAS cut by their number alone (see `PanelGEMM`).
    let queryBlock = products == .packed ? 64 : 256
    let blocks = (queries + queryBlock - 1) / queryBlock
    // A head's keys and values are packed once for each part.
    let parts =
      products == .packed ? min(blocks, 1 + 4 * ThreadPool.shared.threadCount / max(images * heads, 1)) : blocks
    ThreadPool.shared.parallelFor(images * heads * parts) { task in
      let (imageAndHead, part) = task.quotientAndRemainder(dividingBy: parts)
      let (image, index) = imageAndHead.quotientAndRemainder(dividingBy: heads)
      let ranges = (part * blocks / parts..<(part + 1) * blocks / parts).map {
        $0 * queryBlock..<min(($0 + 1) * queryBlock, queries)
      }
      switch products {
      case .packed: head(image, index).attendPacked(ranges)
      case .openBLAS: head(image, index).attendByBLAS(ranges)
      }
    }
  }

  private func attendPacked(_ queryRanges: [Range<Int>]) {
    let tile = PackedWeights.tileColumns
    let packedKeys = Storage(count: PackedWeights.tileCount(keys) * tile * width)
    let packedValues = Storage(count: PackedWeights.tileCount(width) * tile * keys)
    let scores = Storage(count: (queryRanges.map(\.count).max() ?? 0) * keys)
    defer { withExtendedLifetime((packedKeys, packedValues, scores)) {} }
    vqd_pack_weights(key, keyStride, packedKeys.base, keys, width)
    vqd_pack_transposed(value, keyStride, packedValues.base, width, keys)
    for queries in queryRanges {
      vqd_packed_gemm(
        query + queries.lowerBound * queryStride, queryStride, packedKeys.base, nil, scores.base, keys, queries.count, width,
        keys, 0)
      vqd_softmax(scores.base, queries.count, keys, keys, scale)
      vqd_packed_gemm(
        scores.base, keys, packedValues.base, nil, output + queries.lowerBound * outputStride, outputStride, queries.count,
        keys, width, 0)
    }
  }

  /// Nothing is transposed or copied: BLAS reads the slices in place.
  private func attendByBLAS(_ queryRanges: [Range<Int>]) {
    let scores = Storage(count: (queryRanges.map(\.count).max() ?? 0) * keys)
    defer { withExtendedLifetime(scores) {} }
    for queries in queryRanges {
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, blasint(queries.count), blasint(keys), blasint(width), 1,
        query + queries.lowerBound * queryStride, blasint(queryStride), key, blasint(keyStride), 0, scores.base,
        blasint(keys))
      vqd_softmax(scores.base, queries.count, keys, keys, scale)
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(queries.count), blasint(width), blasint(keys), 1,
        scores.base, blasint(keys), value, blasint(keyStride), 0, output + queries.lowerBound * outputStride,
        blasint(outputStride))
    }
  }
}
