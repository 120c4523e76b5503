import CKernels

/// C = activation(A·Bᵀ + bias), or C += A·Bᵀ + bias: the product behind every linear layer and convolution.
///
/// A is [M, K], B (the weights) [N, K], C [M, N]. The product is cut into panels of rows, and for few rows also into tiles of
/// columns; each piece is one call of our own kernel on packed weights, followed by the epilogue while the piece is in cache.
///
/// **A row's bits don't depend on M, its place among the rows, nor the threads**: the kernel adds up every element in the same
/// order, so the cuts are free. OpenBLAS can't promise that: with its Zen and Haswell kernels a row's place modulo 12
/// decides how the first and last eight columns of a call are summed, and leftover rows go through other kernels still.
struct PanelGEMM {
  /// Where the rows of A come from.
  enum Rows {
    /// Contiguous rows in memory.
    case memory(UnsafePointer<Float>)
    /// Rows written on demand: `fill(range, to)` writes the rows of `range`, contiguous, to `to`.
    case gathered((Range<Int>, UnsafeMutablePointer<Float>) -> Void)
  }

  let weights: PackedWeights
  let bias: FloatTensor?
  var activation = Activation.identity
  /// Adds to what C holds instead of overwriting it; then `activation` must be the identity.
  var accumulates = false

  func multiply(_ a: Rows, rows: Int, into c: UnsafeMutablePointer<Float>) {
    precondition(!accumulates || activation == .identity, "an activation would apply to the sum")
    defer { keepAlive(weights.tiles, bias) }
    let cut = Cut(rows: rows, columns: weights.columns, inner: weights.inner, a: a, threads: ThreadPool.shared.threadCount)
    ThreadPool.shared.parallelFor(cut.panels * cut.tiles) { task in
      let (panel, tile) = task.quotientAndRemainder(dividingBy: cut.tiles)
      let first = panel * cut.panelRows
      multiplyPanel(a, rows: first..<min(first + cut.panelRows, rows), tile: cut.columns(ofTile: tile), into: c)
    }
  }

  private func multiplyPanel(_ a: Rows, rows: Range<Int>, tile: Range<Int>, into c: UnsafeMutablePointer<Float>) {
    switch a {
    case .memory(let base):
      multiplyPanel(base + rows.lowerBound * weights.inner, rows: rows, tile: tile, into: c)
    case .gathered(let fill):
      let scratch = Storage(count: rows.count * weights.inner)
      defer { withExtendedLifetime(scratch) {} }
      fill(rows, scratch.base)
      multiplyPanel(scratch.base, rows: rows, tile: tile, into: c)
    }
  }

  private func multiplyPanel(
    _ left: UnsafePointer<Float>, rows: Range<Int>, tile: Range<Int>, into c: UnsafeMutablePointer<Float>
  ) {
    let (inner, columns) = (weights.inner, weights.columns)
    let target = c + rows.lowerBound * columns + tile.lowerBound
    vqd_packed_gemm(
      left, inner, weights.tiles.base + tile.lowerBound * inner, target, columns, rows.count, inner, tile.count,
      accumulates ? 1 : 0)
    if bias != nil || activation != .identity {
      vqd_bias_activation(
        target, rows.count, tile.count, columns, bias.map { $0.base + tile.lowerBound }, activation.kernel)
    }
  }
}

/// How a product is cut into tasks: speed alone depends on it.
private struct Cut {
  let panelRows: Int
  let panels: Int
  let tiles: Int
  private let totalColumns: Int

  /// A panel of A stays in the second-level cache. Fewer rows than `shortest` don't repay the reading of the weights.
  private static let (longest, shortest) = (96, 48)
  /// Multiply-adds that take about as long as waking the other threads.
  private static let smallProduct = 1 << 18

  init(rows: Int, columns: Int, inner: Int, a: PanelGEMM.Rows, threads: Int) {
    totalColumns = columns
    guard rows * columns * inner > Self.smallProduct && threads > 1 else {
      (panelRows, tiles) = (Self.longest, 1)
      panels = (rows + panelRows - 1) / panelRows
      return
    }
    // Some tasks more than threads, because threads don't run equally fast; panels of whole blocks of 12 rows.
    let wanted = 4 * threads
    panelRows = min(max((rows / wanted + 11) / 12 * 12, Self.shortest), Self.longest)
    panels = (rows + panelRows - 1) / panelRows
    // Gathered rows are gathered anew for each tile: there columns are cut only if threads would be idle otherwise.
    let enough =
      switch a {
      case .memory: wanted
      case .gathered: threads
      }
    let tileCount = (columns + PackedWeights.tileColumns - 1) / PackedWeights.tileColumns
    tiles = min((enough + panels - 1) / max(panels, 1), max(tileCount / 4, 1))
  }

  /// Consecutive columns that begin at a tile of the packed weights.
  func columns(ofTile tile: Int) -> Range<Int> {
    let packedTiles = (totalColumns + PackedWeights.tileColumns - 1) / PackedWeights.tileColumns
    let from = tile * packedTiles / tiles * PackedWeights.tileColumns
    return from..<min((tile + 1) * packedTiles / tiles * PackedWeights.tileColumns, totalColumns)
  }
}
