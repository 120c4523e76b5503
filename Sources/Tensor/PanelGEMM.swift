import CBLAS
import CKernels

/// C = activation(A·Bᵀ + bias), or C += A·Bᵀ + bias: the product behind every linear layer and convolution.
///
/// A is [images · rows, K], B (the weights) [N, K], C [images · rows, N], all row-major. The product is cut into panels of
/// rows; each is one single-threaded OpenBLAS call, followed by the epilogue while the panel is in cache.
///
/// **A row's bits depend neither on the batch nor on the threads.** BLAS kernels treat rows and columns differently by their
/// place: OpenBLAS's Zen and Haswell kernels add in one order for rows 0…5 of each dozen, in another for rows 6…11, and in
/// yet others for what is left over at the end. So no panel reaches across images, and the cuts follow from the number of
/// rows of an image and the layer's shape alone: the same row of an image always stands at the same place of a call of the
/// same shape.
struct PanelGEMM {
  /// Where the rows of A come from.
  enum Rows {
    /// Contiguous rows in memory.
    case memory(UnsafePointer<Float>)
    /// Rows written on demand: `fill(range, to)` writes the rows of `range`, contiguous, to `to`.
    case gathered((Range<Int>, UnsafeMutablePointer<Float>) -> Void)
  }

  /// K
  let inner: Int
  /// N
  let columns: Int
  let weight: UnsafePointer<Float>
  let bias: UnsafePointer<Float>?
  var activation = Activation.identity
  /// Adds to what C holds instead of overwriting it; then `activation` must be the identity.
  var accumulates = false

  func multiply(_ a: Rows, images: Int, rowsPerImage: Int, into c: UnsafeMutablePointer<Float>) {
    precondition(!accumulates || activation == .identity, "an activation would apply to the sum")
    guard images > 0, rowsPerImage > 0, columns > 0 else { return }
    // Long panels amortise OpenBLAS's packing of the weights; wide rows make them expensive to hold in cache.
    let longest = inner > 2048 ? 96 : 192
    let panels = (rowsPerImage + longest - 1) / longest
    let panelRows = (rowsPerImage + panels - 1) / panels
    let tiles = columnTiles(panels: panels, a: a)
    ThreadPool.shared.parallelFor(images * panels * tiles) { task in
      let (image, panel) = (task / tiles).quotientAndRemainder(dividingBy: panels)
      let first = panel * panelRows
      let rows = image * rowsPerImage + first..<image * rowsPerImage + min(first + panelRows, rowsPerImage)
      let tile = task % tiles
      runPanel(a, rows: rows, tile: columns * tile / tiles..<columns * (tile + 1) / tiles, into: c)
    }
  }

  /// Into how many tiles a panel's columns are cut, so that one or two images keep several threads busy. Each tile packs
  /// the panel's rows anew, which costs 2 to 4 %; gathered rows are gathered anew, so they are cut only where an
  /// image is a single panel.
  private func columnTiles(panels: Int, a: Rows) -> Int {
    if case .gathered = a, panels > 1 { return 1 }
    return columns >= 1024 ? 4 : columns >= 192 ? 2 : 1
  }

  private func runPanel(_ a: Rows, rows: Range<Int>, tile: Range<Int>, into c: UnsafeMutablePointer<Float>) {
    let target = c + rows.lowerBound * columns + tile.lowerBound
    switch a {
    case .memory(let base):
      callBLAS(base + rows.lowerBound * inner, rows: rows.count, tile: tile, into: target)
    case .gathered(let fill):
      let scratch = Storage(count: rows.count * inner)
      defer { withExtendedLifetime(scratch) {} }
      fill(rows, scratch.base)
      callBLAS(scratch.base, rows: rows.count, tile: tile, into: target)
    }
    guard bias != nil || activation != .identity else { return }
    vqd_bias_activation(
      target, rows.count, tile.count, columns, bias.map { $0 + tile.lowerBound }, activation.kernel)
  }

  private func callBLAS(
    _ left: UnsafePointer<Float>, rows: Int, tile: Range<Int>, into target: UnsafeMutablePointer<Float>
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows), blasint(tile.count), blasint(inner), 1,
      left, blasint(max(inner, 1)), weight + tile.lowerBound * inner, blasint(max(inner, 1)), accumulates ? 1 : 0,
      target, blasint(columns))
  }
}
