import CBLAS
import CKernels

/// The pullback of attention of one head of one image; gradients lie with the strides of what they belong to.
struct AttentionHeadGradient {
  let query, key, value: UnsafePointer<Float>
  let queries, keys, width: Int
  let queryStride, keyStride: Int
  let products: ComputeOptions.Products

  /// Queries whose scores stay in the second-level cache.
  private static let block = 256

  /// Memory of one call.
  private struct Scratch {
    /// Probabilities, then products of gradients with values, of a block of queries: [block, keys].
    let weights, scores: Storage
    /// The packed kernel's operands.
    let transposed, packed: Storage

    init(queries: Int, keys: Int, width: Int, products: ComputeOptions.Products) {
      (weights, scores) = (Storage(count: queries * keys), Storage(count: queries * keys))
      let isPacked = products == .packed
      transposed = Storage(count: isPacked ? queries * keys : 0)
      let tile = PackedWeights.tileColumns
      let (byKeys, byWidth) = (PackedWeights.tileCount(keys) * tile * width, PackedWeights.tileCount(width) * tile)
      packed = Storage(count: isPacked ? max(byKeys, byWidth * max(queries, keys)) : 0)
    }
  }

  func pullBack(
    _ dy: UnsafePointer<Float>, stride: Int, query dQuery: UnsafeMutablePointer<Float>,
    key dKey: UnsafeMutablePointer<Float>, value dValue: UnsafeMutablePointer<Float>
  ) {
    let scale = 1 / Float(width).squareRoot()
    let scratch = Scratch(queries: min(queries, Self.block), keys: keys, width: width, products: products)
    defer { withExtendedLifetime(scratch) {} }
    let (weights, scores) = (scratch.weights.base, scratch.scores.base)
    for first in Swift.stride(from: 0, to: queries, by: Self.block) {
      let rows = min(Self.block, queries - first)
      let (from, up) = (query + first * queryStride, dy + first * stride)
      /// A gradient of the keys' shape grows from block to block.
      let accumulates = first > 0
      scoreProduct(from, queryStride, key, rows: rows, scratch, into: weights)
      vqd_softmax(weights, rows, keys, keys, scale)
      transposedProduct(weights, up, stride, rows: rows, accumulates: accumulates, scratch, into: dValue)
      scoreProduct(up, stride, value, rows: rows, scratch, into: scores)
      vqd_softmax_gradient(weights, scores, scores, rows, keys, scale)
      keyProduct(scores, rows: rows, scratch, into: dQuery + first * queryStride)
      transposedProduct(scores, from, queryStride, rows: rows, accumulates: accumulates, scratch, into: dKey)
    }
  }

  /// a · bᵀ for rows a and the rows b of all keys or values: [rows, keys].
  private func scoreProduct(
    _ a: UnsafePointer<Float>, _ aStride: Int, _ b: UnsafePointer<Float>, rows: Int, _ scratch: Scratch,
    into c: UnsafeMutablePointer<Float>
  ) {
    switch products {
    case .packed:
      vqd_pack_weights(b, keyStride, scratch.packed.base, keys, width)
      vqd_packed_gemm(a, aStride, scratch.packed.base, nil, c, keys, rows, width, keys, 0)
    case .openBLAS:
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows), blasint(keys), blasint(width), 1, a, blasint(aStride), b,
        blasint(keyStride), 0, c, blasint(keys))
    }
  }

  /// scores · key: [rows, width].
  private func keyProduct(
    _ scores: UnsafePointer<Float>, rows: Int, _ scratch: Scratch, into c: UnsafeMutablePointer<Float>
  ) {
    switch products {
    case .packed:
      vqd_pack_transposed(key, keyStride, scratch.packed.base, width, keys)
      vqd_packed_gemm(scores, keys, scratch.packed.base, nil, c, queryStride, rows, keys, width, 0)
    case .openBLAS:
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rows), blasint(width), blasint(keys), 1, scores, blasint(keys),
        key, blasint(keyStride), 0, c, blasint(queryStride))
    }
  }

  /// c (+)= scoresᵀ · b: [keys, width].
  private func transposedProduct(
    _ scores: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ bStride: Int, rows: Int, accumulates: Bool,
    _ scratch: Scratch, into c: UnsafeMutablePointer<Float>
  ) {
    switch products {
    case .packed:
      vqd_transpose(scores, keys, scratch.transposed.base, rows, rows, keys)
      vqd_pack_transposed(b, bStride, scratch.packed.base, width, rows)
      vqd_packed_gemm(
        scratch.transposed.base, rows, scratch.packed.base, nil, c, keyStride, keys, rows, width, accumulates ? 1 : 0)
    case .openBLAS:
      cblas_sgemm(
        CblasRowMajor, CblasTrans, CblasNoTrans, blasint(keys), blasint(width), blasint(rows), 1, scores, blasint(keys), b,
        blasint(bStride), accumulates ? 1 : 0, c, blasint(keyStride))
    }
  }
}
