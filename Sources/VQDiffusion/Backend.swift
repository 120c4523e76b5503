import Tensor

/// The library that does the arithmetic.
public enum Backend {
  /// The BLAS library and the kernels that it has chosen for this CPU, for example "OpenBLAS Zen".
  public static var name: String { BLAS.name }

  /// What multiplies by weights, and the BLAS library, for example "packed, OpenBLAS Zen": attention's products are BLAS's either way.
  package static func name(products: ComputeOptions.Products) -> String {
    products == .openBLAS ? BLAS.name : "\(products.rawValue), \(BLAS.name)"
  }
}
