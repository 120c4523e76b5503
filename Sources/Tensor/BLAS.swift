import CBLAS

/// The BLAS library in use.
package enum BLAS {
  /// For example "OpenBLAS Zen".
  package static var name: String {
    guard let name = openblas_get_corename() else { return "OpenBLAS" }
    return "OpenBLAS \(String(cString: name))"
  }
}
