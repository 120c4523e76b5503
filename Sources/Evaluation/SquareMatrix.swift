import CBLAS
import Tensor

/// A square matrix of doubles, row-major.
package struct SquareMatrix: Sendable {
  package let size: Int
  package var values: [Double]

  package init(zeros size: Int) {
    self.init(size: size, values: [Double](repeating: 0, count: size * size))
  }

  package init(size: Int, values: [Double]) {
    precondition(values.count == size * size, "\(values.count) values don't fill \(size)×\(size)")
    self.size = size
    self.values = values
  }

  package var trace: Double { stride(from: 0, to: values.count, by: size + 1).reduce(0) { $0 + values[$1] } }

  /// A · B, or Aᵀ · B.
  package func product(_ other: SquareMatrix, transposingSelf: Bool = false) -> SquareMatrix {
    precondition(size == other.size, "\(size)×\(size) by \(other.size)×\(other.size)")
    var result = SquareMatrix(zeros: size)
    let n = blasint(size)
    cblas_dgemm(
      CblasRowMajor, transposingSelf ? CblasTrans : CblasNoTrans, CblasNoTrans, n, n, n, 1, values, n, other.values, n, 0,
      &result.values, n)
    return result
  }

  /// S with S Sᵀ = A, for a symmetric A ≥ 0: S = V Λ^½ of A = V Λ Vᵀ.
  ///
  /// An eigenvalue within rounding of zero, D ε λ_max, becomes zero: its root would be of order 10⁻⁸, though it says nothing.
  ///
  /// - Throws: `EvaluationError.decomposition`.
  package func squareRootFactor() throws(EvaluationError) -> SquareMatrix {
    var vectors = self
    var eigenvalues = [Double](repeating: 0, count: size)
    let n = Int32(size)
    try LAPACK.check(
      "dsyevd", LAPACKE_dsyevd(LAPACK_ROW_MAJOR, LAPACK.vectors, LAPACK.upper, n, &vectors.values, n, &eigenvalues))
    let negligible = Double(size) * Double.ulpOfOne * max(eigenvalues.last ?? 0, 0)
    let roots = eigenvalues.map { $0 > negligible ? $0.squareRoot() : 0 }
    for place in vectors.values.indices { vectors.values[place] *= roots[place % size] }
    return vectors
  }

  /// The singular values, largest first.
  ///
  /// - Throws: `EvaluationError.decomposition`.
  package func singularValues() throws(EvaluationError) -> [Double] {
    var matrix = self
    var singular = [Double](repeating: 0, count: size)
    let n = Int32(size)
    try LAPACK.check(
      "dgesdd",
      LAPACKE_dgesdd(LAPACK_ROW_MAJOR, LAPACK.noVectors, n, n, &matrix.values, n, &singular, nil, n, nil, n))
    return singular
  }
}

private enum LAPACK {
  static let vectors = CChar(UInt8(ascii: "V"))
  static let noVectors = CChar(UInt8(ascii: "N"))
  static let upper = CChar(UInt8(ascii: "U"))

  static func check(_ routine: String, _ code: Int32) throws(EvaluationError) {
    guard code == 0 else { throw .decomposition(routine: routine, code: Int(code)) }
  }
}
