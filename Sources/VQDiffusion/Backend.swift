import Tensor

/// The library that does the arithmetic.
public enum Backend {
  /// The BLAS library and the corruptions that it has chosen for this CPU, for example "OpenBLAS Zen".
  public static var name: String { BLAS.name }

  /// What multiplies by weights, their numbers where not float32, and the BLAS library, for example "packed, float16 weights, OpenBLAS Zen".
  package static func name(_ options: ComputeOptions) -> String {
    let products = options.weightProducts == .openBLAS ? [] : [options.weightProducts.rawValue]
    let weights = options.weights == .float32 ? [] : ["\(options.weights.rawValue) weights"]
    return (products + weights + [BLAS.name]).joined(separator: ", ")
  }
}
