import CBLAS
import CKernels

/// A matrix product C (+)= op(A) · op(B) on this project's threads: op(A) is [rows, inner], op(B) [inner, columns], C
/// [rows, columns], all contiguous.
///
/// A linear layer Y = X·Wᵀ needs three orientations: that, dX = dY·W and dW = dYᵀ·X.
struct GradientProduct {
  let rows: Int
  let columns: Int
  let inner: Int
  /// A lies in memory as [inner, rows].
  var transposesA = false
  /// B lies in memory as [columns, inner].
  var transposesB = false
  var accumulates = false

  /// Fewer pieces of C than this leave threads idle: then `inner` is cut, too.
  private static let enoughTasks = 16
  /// A part of `inner` that repays adding up one more C.
  private static let shortestPart = 1024

  func multiply(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>) {
    guard rows > 0, columns > 0 else { return }
    guard inner > 0 else {
      if !accumulates { c.update(repeating: 0, count: rows * columns) }
      return
    }
    let cut = ProductCut(images: 1, rowsPerImage: rows, columns: columns, inner: inner, a: .memory(a))
    let pieces = cut.panels * cut.tiles
    let parts = max(min(Self.enoughTasks / pieces, inner / Self.shortestPart), 1)
    // The first part goes to C itself.
    let others = Storage(count: (parts - 1) * rows * columns)
    defer { withExtendedLifetime(others) {} }
    ThreadPool.shared.parallelFor(pieces * parts) { task in
      let (piece, part) = task.quotientAndRemainder(dividingBy: parts)
      let (panel, tile) = piece.quotientAndRemainder(dividingBy: cut.tiles)
      multiplyPiece(
        a, b, rows: cut.rows(ofPanel: panel), columns: cut.columns(ofTile: tile),
        inner: part * inner / parts..<(part + 1) * inner / parts, accumulates: accumulates && part == 0,
        into: part == 0 ? c : others.base + (part - 1) * rows * columns)
    }
    guard parts > 1 else { return }
    parallelForChunks(of: rows * columns, grain: 1 << 14) { range in
      for part in 0..<parts - 1 {
        vqd_add(others.base + part * rows * columns + range.lowerBound, c + range.lowerBound, range.count)
      }
    }
  }

  private func multiplyPiece(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, rows range: Range<Int>, columns: Range<Int>, inner: Range<Int>,
    accumulates: Bool, into c: UnsafeMutablePointer<Float>
  ) {
    let aStride = transposesA ? rows : self.inner
    let bStride = transposesB ? self.inner : self.columns
    let aStart = transposesA ? inner.lowerBound * aStride + range.lowerBound : range.lowerBound * aStride + inner.lowerBound
    let bStart =
      transposesB ? columns.lowerBound * bStride + inner.lowerBound : inner.lowerBound * bStride + columns.lowerBound
    cblas_sgemm(
      CblasRowMajor, transposesA ? CblasTrans : CblasNoTrans, transposesB ? CblasTrans : CblasNoTrans, blasint(range.count),
      blasint(columns.count), blasint(inner.count), 1, a + aStart, blasint(aStride), b + bStart, blasint(bStride),
      accumulates ? 1 : 0, c + range.lowerBound * self.columns + columns.lowerBound, blasint(self.columns))
  }
}

extension FloatTensor {
  /// Σ over the rows of the tensor seen as [rows, width]: [width].
  func columnSums(width: Int) -> FloatTensor {
    let rows = count / width
    let chunks = (rows + Self.sumGrain - 1) / Self.sumGrain
    var partial = [Double](repeating: 0, count: chunks * 2 * width)
    defer { keepAlive(self) }
    partial.withUnsafeMutableBufferPointer { partial in
      guard let sums = partial.baseAddress else { return }
      parallelForChunks(of: rows, grain: Self.sumGrain) { range in
        let sum = sums + range.lowerBound / Self.sumGrain * 2 * width
        vqd_column_sums(base + range.lowerBound * width, range.count, width, sum, sum + width)
      }
    }
    return Gradient.chunkSums(partial, images: 1, chunks: chunks, width: 2 * width).rows(0..<1, width: width).reshaped([width])
  }
}
