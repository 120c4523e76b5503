import CBLAS

extension FloatTensor {
  /// op(A) · op(B) over the last two dimensions, for each matrix of the leading (batch) dimensions, which must be equal.
  ///
  /// op transposes where asked: A is [..., M, K] or, transposed, [..., K, M]; B is [..., K, N] or [..., N, K]; the result is
  /// [..., M, N]. The bits of a row may depend on M here; layers use `Linear`, where they don't.
  public func matrixProduct(
    _ other: FloatTensor, transposingSelf: Bool = false, transposingOther: Bool = false
  ) -> FloatTensor {
    let (rank, batchShape) = (shape.count, shape.dropLast(2))
    precondition(rank >= 2 && other.shape.dropLast(2) == batchShape, "batches of \(shape) and \(other.shape) differ")
    let a = (rows: shape[rank - 2], columns: shape[rank - 1])
    let b = (rows: other.shape[rank - 2], columns: other.shape[rank - 1])
    let m = transposingSelf ? a.columns : a.rows
    let k = transposingSelf ? a.rows : a.columns
    let n = transposingOther ? b.rows : b.columns
    precondition(k == (transposingOther ? b.columns : b.rows), "inner dimensions of \(shape) and \(other.shape) differ")
    defer { keepAlive(self, other) }
    return FloatTensor(uninitialized: batchShape + [m, n]) { y in
      ThreadPool.shared.parallelFor(batchShape.reduce(1, *)) { [y = SharedPointer(y)] matrix in
        cblas_sgemm(
          CblasRowMajor, transposingSelf ? CblasTrans : CblasNoTrans, transposingOther ? CblasTrans : CblasNoTrans,
          blasint(m), blasint(n), blasint(k), 1, base + matrix * m * k, blasint(max(a.columns, 1)),
          other.base + matrix * k * n, blasint(max(b.columns, 1)), 0, y + matrix * m * n, blasint(max(n, 1)))
      }
    }
  }
}
