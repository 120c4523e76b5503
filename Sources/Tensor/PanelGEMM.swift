import CBLAS
import CKernels

/// C = activation(A·Bᵀ + bias), or C += A·Bᵀ + bias: the product behind every linear layer and convolution.
///
/// A is [M, K], B (the weights) [N, K], C [M, N], all row-major. The product is cut into panels of rows, and for few rows
/// also into tiles of columns; each piece is one single-threaded OpenBLAS call, followed by the epilogue while the piece is
/// in cache.
///
/// **A row's bits don't depend on M, nor on the threads.** OpenBLAS computes leftover rows with other kernels, which add in
/// another order: with its Zen and Haswell kernels the last M mod 12 rows, with SkylakeX ones up to some tens of rows. So each call
/// gets a multiple of `rowQuantum` rows, at least `minimumRows` (the last panel padded in scratch), columns are cut at
/// multiples of `columnQuantum`, and products with fewer columns than that take a kernel of their own.
struct PanelGEMM {
  /// Where the rows of A come from.
  enum Rows {
    /// Contiguous rows in memory.
    case memory(UnsafePointer<Float>)
    /// Rows written on demand: `fill(range, to)` writes the rows of `range`, contiguous, to `to`.
    case gathered((Range<Int>, UnsafeMutablePointer<Float>) -> Void)
  }

  static let rowQuantum = 24
  static let minimumRows = 72
  static let columnQuantum = 32

  /// K
  let inner: Int
  /// N
  let columns: Int
  let weight: UnsafePointer<Float>
  let bias: UnsafePointer<Float>?
  var activation = Activation.identity
  /// Adds to what C holds instead of overwriting it; then `activation` must be the identity.
  var accumulates = false

  func multiply(_ a: Rows, rows: Int, into c: UnsafeMutablePointer<Float>) {
    precondition(!accumulates || activation == .identity, "an activation would apply to the sum")
    guard rows > 0 else { return }
    let threads = ThreadPool.shared.threadCount
    let panelRows = rowsPerPanel(of: rows, threads: threads)
    let panels = (rows + panelRows - 1) / panelRows
    let tiles = columnTiles(panels: panels, threads: threads, a: a)
    ThreadPool.shared.parallelFor(panels * tiles.count) { task in
      let first = task / tiles.count * panelRows
      runPanel(a, rows: first..<min(first + panelRows, rows), tile: tiles[task % tiles.count], into: c)
    }
  }

  /// Long panels amortise OpenBLAS's packing of the weights; wide rows make them expensive to hold in cache.
  private func rowsPerPanel(of rows: Int, threads: Int) -> Int {
    let longest = inner > 2048 ? 96 : 192
    let share = (rows + threads - 1) / threads
    let rounded = (share + Self.rowQuantum - 1) / Self.rowQuantum * Self.rowQuantum
    return min(max(rounded, Self.minimumRows), longest)
  }

  /// With few panels, columns are split so that each thread has work. Gathered rows would be gathered once for each tile,
  /// so there only where a thread would be idle otherwise.
  private func columnTiles(panels: Int, threads: Int, a: Rows) -> [Range<Int>] {
    let isEnough: Bool
    switch a {
    case .memory: isEnough = panels >= 8 * threads || panels.isMultiple(of: threads)
    case .gathered: isEnough = panels >= threads
    }
    let count = isEnough ? 1 : max(1, min(threads, columns / (2 * Self.columnQuantum)))
    let quanta = (columns + Self.columnQuantum - 1) / Self.columnQuantum
    return (0..<count).map { tile in
      let from = tile * quanta / count * Self.columnQuantum
      let to = tile == count - 1 ? columns : (tile + 1) * quanta / count * Self.columnQuantum
      return from..<to
    }
  }

  private func runPanel(_ a: Rows, rows: Range<Int>, tile: Range<Int>, into c: UnsafeMutablePointer<Float>) {
    let isNarrow = columns < Self.columnQuantum
    let quantised = (rows.count + Self.rowQuantum - 1) / Self.rowQuantum * Self.rowQuantum
    let paddedRows = isNarrow ? rows.count : max(quantised, Self.minimumRows)
    let isPadded = paddedRows != rows.count
    let target = c + rows.lowerBound * columns + tile.lowerBound

    withLeftRows(a, rows: rows, paddedTo: paddedRows) { left in
      if isNarrow {
        vqd_narrow_gemm(left, weight, target, rows.count, inner, columns, columns, accumulates ? 1 : 0)
        finish(target, rows: rows.count, tile: tile, stride: columns)
      } else if !isPadded {
        callBLAS(left, rows: paddedRows, tile: tile, into: target, stride: columns)
        finish(target, rows: rows.count, tile: tile, stride: columns)
      } else {
        let scratch = Storage(count: paddedRows * tile.count)
        defer { withExtendedLifetime(scratch) {} }
        if accumulates {
          copy(target, stride: columns, to: scratch.base, stride: tile.count, rows: rows.count, columns: tile.count)
        }
        // Rows past the real ones are computed from uninitialised values and dropped.
        callBLAS(left, rows: paddedRows, tile: tile, into: scratch.base, stride: tile.count)
        finish(scratch.base, rows: rows.count, tile: tile, stride: tile.count)
        copy(scratch.base, stride: tile.count, to: target, stride: columns, rows: rows.count, columns: tile.count)
      }
    }
  }

  private func withLeftRows(
    _ a: Rows, rows: Range<Int>, paddedTo paddedRows: Int, _ body: (UnsafePointer<Float>) -> Void
  ) {
    if case .memory(let base) = a, paddedRows == rows.count {
      return body(base + rows.lowerBound * inner)
    }
    let scratch = Storage(count: paddedRows * inner)
    defer { withExtendedLifetime(scratch) {} }
    switch a {
    case .memory(let base):
      scratch.base.update(from: base + rows.lowerBound * inner, count: rows.count * inner)
    case .gathered(let fill):
      fill(rows, scratch.base)
    }
    // Zeros: stale memory may hold signalling NaNs or subnormals, which cost time.
    (scratch.base + rows.count * inner).update(repeating: 0, count: (paddedRows - rows.count) * inner)
    body(scratch.base)
  }

  private func callBLAS(
    _ left: UnsafePointer<Float>, rows: Int, tile: Range<Int>, into target: UnsafeMutablePointer<Float>, stride: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows), blasint(tile.count), blasint(inner), 1,
      left, blasint(inner), weight + tile.lowerBound * inner, blasint(inner), accumulates ? 1 : 0, target, blasint(stride))
  }

  private func finish(_ target: UnsafeMutablePointer<Float>, rows: Int, tile: Range<Int>, stride: Int) {
    guard bias != nil || activation != .identity else { return }
    vqd_bias_activation(target, rows, tile.count, stride, bias.map { $0 + tile.lowerBound }, activation.kernel)
  }

  private func copy(
    _ source: UnsafePointer<Float>, stride sourceStride: Int, to target: UnsafeMutablePointer<Float>, stride targetStride: Int,
    rows: Int, columns: Int
  ) {
    for row in 0..<rows {
      (target + row * targetStride).update(from: source + row * sourceStride, count: columns)
    }
  }
}
