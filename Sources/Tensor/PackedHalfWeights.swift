import CKernels
import Synchronization

/// Weights [N, K] rounded to IEEE half precision and laid out as `PackedWeights`; the kernel widens them block by block, so that products
/// have the bits of `PackedWeights` of the rounded weights.
struct PackedHalfWeights: Sendable {
  /// K
  let inner: Int
  /// N
  let columns: Int
  /// [tiles, K, 16], all finite
  private let tiles: HalfTensor

  /// Nil where a weight isn't finite in half precision (|w| ≥ 65520).
  init?(_ weight: FloatTensor) {
    let (columns, inner) = (weight.shape[0], weight.shape[1])
    defer { keepAlive(weight) }
    let matrices = Self.matrices(1, inner: inner, columns: columns) { tile, packed in
      let first = tile * PackedWeights.tileColumns
      vqd_pack_weights(weight.base + first * inner, inner, packed, min(PackedWeights.tileColumns, columns - first), inner)
    }
    guard let matrices else { return nil }
    self = matrices[0]
  }

  private init(inner: Int, columns: Int, tiles: HalfTensor) {
    (self.inner, self.columns, self.tiles) = (inner, columns, tiles)
  }

  /// Several matrices of one shape; nil where a weight isn't finite in half precision. The floats of a single tile are in memory for each
  /// thread, never those of a whole matrix.
  ///
  /// - Parameter fill: Writes a tile of all matrices, [matrices, K, 16].
  static func matrices(
    _ count: Int, inner: Int, columns: Int, fill: @Sendable (_ tile: Int, UnsafeMutablePointer<Float>) -> Void
  ) -> [PackedHalfWeights]? {
    let tileCount = PackedWeights.tileCount(columns)
    let shape = [tileCount, inner, PackedWeights.tileColumns]
    let perTile = inner * PackedWeights.tileColumns
    let areFinite = Atomic(true)
    let halves = HalfTensor(uninitialized: [count] + shape, format: .float16) { target in
      ThreadPool.shared.parallelFor(tileCount) { [target = SharedPointer(target)] tile in
        let floats = Storage(count: count * perTile)
        defer { withExtendedLifetime(floats) {} }
        fill(tile, floats.base)
        for matrix in 0..<count {
          let packed = target + (matrix * tileCount + tile) * perTile
          vqd_narrow_f16(floats.base + matrix * perTile, packed, perTile)
          if vqd_all_finite_f16(packed, perTile) == 0 { areFinite.store(false, ordering: .relaxed) }
        }
      }
    }
    guard areFinite.load(ordering: .relaxed) else { return nil }
    return (0..<count).map { matrix in
      PackedHalfWeights(inner: inner, columns: columns, tiles: halves.view(at: matrix * tileCount * perTile, shape: shape))
    }
  }

  /// c (+)= A·Bᵀ + bias for some rows of A, contiguous, and some columns, beginning at a tile.
  func multiply(
    _ a: UnsafePointer<Float>, rows: Int, columns: Range<Int>, bias: UnsafePointer<Float>?,
    into c: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool
  ) {
    tiles.withElements { packed in
      vqd_packed_gemm_f16(
        a, inner, packed + columns.lowerBound * inner, bias, c, stride, rows, inner, columns.count, accumulates ? 1 : 0)
    }
  }
}
