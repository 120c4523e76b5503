import CKernels

/// Weights B [N, K] as 8-bit integers, for products with rows that are rounded to 8 bits as they come:
///
///     A·Bᵀ ≈ s_r s_n Σ_k round(A_rk / s_r) round(B_nk / s_n),    s_r = max_k |A_rk| / 127,    s_n = max_k |B_nk| / 127
///
/// The sums are exact integers, so a row's bits depend on that row and the weights alone, on any CPU.
struct Int8Weights: Sendable {
  /// The longest sum that fits 32 bits.
  static let longestInner = Int(VQD_INT8_LONGEST)
  /// The instructions used; they change the layout, never the result.
  private static let variant = vqd_int8_best()

  /// K
  let inner: Int
  /// N
  let columns: Int
  /// Bytes: tiles of 16 columns, each with its scales.
  let tiles: FloatTensor

  private static func tileFloats(_ inner: Int) -> Int { vqd_int8_tile_bytes(inner) / MemoryLayout<Float>.stride }

  init(_ weight: FloatTensor) {
    let (columns, inner) = (weight.shape[0], weight.shape[1])
    precondition(inner <= Self.longestInner, "sums of \(inner) products may overflow")
    (self.inner, self.columns) = (inner, columns)
    let count = PackedWeights.tileCount(columns)
    let tileColumns = PackedWeights.tileColumns
    defer { keepAlive(weight) }
    tiles = FloatTensor(uninitialized: [count, Self.tileFloats(inner)]) { packed in
      ThreadPool.shared.parallelFor(count) { [packed = SharedPointer(packed)] tile in
        let first = tile * tileColumns
        vqd_int8_pack_weights(
          weight.base + first * inner, packed + tile * Self.tileFloats(inner), min(tileColumns, columns - first), inner,
          Self.variant)
      }
    }
  }

  /// c (+)= A·Bᵀ for some rows of A, contiguous, and some columns, beginning at a tile.
  func multiply(
    _ a: UnsafePointer<Float>, rows: Int, columns: Range<Int>, into c: UnsafeMutablePointer<Float>, stride: Int,
    accumulates: Bool
  ) {
    let codeFloats = rows * vqd_int8_row_bytes(inner, Self.variant) / MemoryLayout<Float>.stride
    let scratch = Storage(count: codeFloats + rows)
    defer { withExtendedLifetime(scratch) {} }
    let (codes, scales) = (scratch.base, scratch.base + codeFloats)
    vqd_int8_quantize(a, rows, inner, codes, scales, Self.variant)
    let first = tiles.base + columns.lowerBound / PackedWeights.tileColumns * Self.tileFloats(inner)
    vqd_int8_gemm(codes, scales, first, c, stride, rows, inner, columns.count, accumulates ? 1 : 0, Self.variant)
  }
}
