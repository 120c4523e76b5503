import Tensor

/// The library that does the arithmetic.
public enum Backend {
  /// The BLAS library and the kernels that it has chosen for this CPU, for example "OpenBLAS Zen".
  public static var name: String { BLAS.name }
}
