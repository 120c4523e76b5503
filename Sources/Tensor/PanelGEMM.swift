import CBLAS
import CKernels

/// C = activation(A·Bᵀ + bias), or C += A·Bᵀ + bias: the product behind every linear layer and convolution.
///
/// A is [images · rows, K], B (the weights) [N, K], C [images · rows, N], all row-major. The product is cut into panels of rows and
/// tiles of columns; each piece is one single-threaded call, followed by the epilogue while the piece is in cache.
///
/// **A row's bits depend neither on the batch nor on the threads.** The packed kernel adds up every element in one order, so its cuts are
/// free. BLAS kernels treat rows and columns differently by their place: OpenBLAS's Zen and Haswell kernels add in one order
/// for rows 0…5 of each dozen, in another for rows 6…11, and in yet others for what is left over at the end. So with OpenBLAS
/// no panel reaches across images, and the cuts follow from the number of rows of an image and the layer's shape alone: the
/// same row of an image always stands at the same place of a call of the same shape.
struct PanelGEMM {
  /// Where the rows of A come from.
  enum Rows: Sendable {
    /// A tensor's rows.
    case memory(FloatTensor)
    /// Rows written on demand: `fill(range, to)` writes the rows of `range`, contiguous, to `to`.
    case gathered(@Sendable (Range<Int>, UnsafeMutablePointer<Float>) -> Void)
  }

  let weights: MatrixWeights
  let bias: FloatTensor?
  var activation = Activation.identity
  /// Adds to what C holds instead of overwriting it; then `activation` must be the identity.
  var accumulates = false

  func multiply(_ a: Rows, images: Int, rowsPerImage: Int, into c: UnsafeMutablePointer<Float>) {
    precondition(!accumulates || activation == .identity, "an activation would apply to the sum")
    guard images > 0, rowsPerImage > 0, weights.columns > 0 else { return }
    defer { keepAlive(bias) }
    let cut =
      weights.dependOnPlace
      ? ProductCut(images: images, rowsPerImage: rowsPerImage, columns: weights.columns, inner: weights.inner, a: a)
      : ProductCut(
        rows: images * rowsPerImage, columns: weights.columns, inner: weights.inner, a: a, shortest: weights.shortestPanel,
        threads: ThreadPool.shared.threadCount)
    ThreadPool.shared.parallelFor(cut.panels * cut.tiles) { [c = SharedPointer(c)] task in
      let (panel, tile) = task.quotientAndRemainder(dividingBy: cut.tiles)
      runPanel(a, rows: cut.rows(ofPanel: panel), columns: cut.columns(ofTile: tile), into: c.pointer)
    }
  }

  private func runPanel(_ a: Rows, rows: Range<Int>, columns: Range<Int>, into c: UnsafeMutablePointer<Float>) {
    let inner = weights.inner
    let target = c + rows.lowerBound * weights.columns + columns.lowerBound
    let bias = bias.map { $0.base + columns.lowerBound }
    switch a {
    case .memory(let tensor):
      weights.multiply(
        tensor.base + rows.lowerBound * inner, rows: rows.count, columns: columns, bias: bias, into: target,
        stride: weights.columns, accumulates: accumulates)
    case .gathered(let fill):
      let scratch = Storage(count: rows.count * inner)
      defer { withExtendedLifetime(scratch) {} }
      fill(rows, scratch.base)
      weights.multiply(
        scratch.base, rows: rows.count, columns: columns, bias: bias, into: target, stride: weights.columns,
        accumulates: accumulates)
    }
    let remainingBias = weights.addBias ? nil : bias
    guard remainingBias != nil || activation != .identity else { return }
    vqd_bias_activation(target, rows.count, columns.count, weights.columns, remainingBias, activation.kernel)
  }
}

extension MatrixWeights {
  /// c (+)= A·Bᵀ for some rows of A, contiguous, and some columns; columns of packed weights begin at a tile.
  ///
  /// - Parameter bias: of these columns; added if the kernel does that (`addBias`), otherwise left to the caller.
  func multiply(
    _ a: UnsafePointer<Float>, rows: Int, columns: Range<Int>, bias: UnsafePointer<Float>?,
    into c: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool
  ) {
    switch self {
    case .rows(let weight):
      multiplyRows(
        a, rows: rows, by: weight.base + columns.lowerBound * inner, columns: columns.count, into: c, stride: stride,
        accumulates: accumulates)
      keepAlive(weight)
    case .halfRows(let weight):
      multiplyHalves(a, rows: rows, by: weight, columns: columns, into: c, stride: stride, accumulates: accumulates)
    case .packed(let weights):
      vqd_packed_gemm(
        a, weights.inner, weights.tiles.base + columns.lowerBound * weights.inner, bias, c, stride, rows, weights.inner,
        columns.count, accumulates ? 1 : 0)
      keepAlive(weights.tiles)
    case .packedHalves(let weights):
      weights.multiply(a, rows: rows, columns: columns, bias: bias, into: c, stride: stride, accumulates: accumulates)
    case .int8(let weights):
      weights.multiply(a, rows: rows, columns: columns, into: c, stride: stride, accumulates: accumulates)
    }
  }

  /// Weights are widened some columns at a time: whole layers, once for each thread, would be a large part of what 16 bits save.
  private func multiplyHalves(
    _ a: UnsafePointer<Float>, rows: Int, by weight: HalfTensor, columns: Range<Int>, into c: UnsafeMutablePointer<Float>,
    stride: Int, accumulates: Bool
  ) {
    // 4 MiB, but not so few that packing the rows for each call shows.
    let block = min(max((1 << 20) / max(inner, 1), 256), columns.count)
    let widened = Storage(count: block * inner)
    defer { withExtendedLifetime(widened) {} }
    for first in Swift.stride(from: columns.lowerBound, to: columns.upperBound, by: max(block, 1)) {
      let end = min(first + block, columns.upperBound)
      weight.widen(first * inner..<end * inner, into: widened.base)
      multiplyRows(
        a, rows: rows, by: widened.base, columns: end - first, into: c + (first - columns.lowerBound), stride: stride,
        accumulates: accumulates)
    }
  }

  private func multiplyRows(
    _ a: UnsafePointer<Float>, rows: Int, by weight: UnsafePointer<Float>, columns: Int,
    into c: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool
  ) {
    let leading = blasint(max(inner, 1))
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows), blasint(columns), blasint(inner), 1, a, leading, weight, leading,
      accumulates ? 1 : 0, c, blasint(stride))
  }
}
