import CKernels

/// The weights B [N, K] of a product A·Bᵀ, re-laid once for `PanelGEMM`: tiles of 16 outputs, the last padded with zeros,
/// each as [K, 16].
struct PackedWeights: Sendable {
  static let tileColumns = Int(VQD_TILE_COLUMNS)

  /// K
  let inner: Int
  /// N
  let columns: Int
  /// [tiles, K, 16]
  let tiles: FloatTensor

  init(_ weight: FloatTensor) {
    let (columns, inner) = (weight.shape[0], weight.shape[1])
    let count = (columns + Self.tileColumns - 1) / Self.tileColumns
    (self.inner, self.columns) = (inner, columns)
    defer { keepAlive(weight) }
    let source = weight.base
    tiles = FloatTensor(uninitialized: [count, inner, Self.tileColumns]) { packed in
      ThreadPool.shared.parallelFor(count) { tile in
        let first = tile * Self.tileColumns
        vqd_pack_weights(
          source + first * inner, packed + first * inner, min(Self.tileColumns, columns - first), inner)
      }
    }
  }

  /// The weights as they were, [N, K].
  var unpacked: FloatTensor {
    defer { keepAlive(tiles) }
    let source = tiles.base
    return FloatTensor(uninitialized: [columns, inner]) { weight in
      for column in 0..<columns {
        let (tile, place) = column.quotientAndRemainder(dividingBy: Self.tileColumns)
        for k in 0..<inner { weight[column * inner + k] = source[(tile * inner + k) * Self.tileColumns + place] }
      }
    }
  }
}
