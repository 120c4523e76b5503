import Tensor
import Testing

/// Every way in which layers can compute.
package let everyWay: [ComputeOptions] =
  ComputeOptions.Products.allCases.flatMap { products in
    ([nil] + ConvolutionAlgorithm.allCases.map { $0 }).map { ComputeOptions(products: products, convolution: $0) }
  } + [ComputeOptions(memory: .low)]

/// The same with weights in 16 bits, which always go through the packed kernel.
package let everyHalfWay: [ComputeOptions] =
  ([nil] + ConvolutionAlgorithm.allCases.map { $0 }).map { ComputeOptions(convolution: $0, weights: .float16) }
  + [ComputeOptions(products: .openBLAS, weights: .float16), ComputeOptions(weights: .float16, memory: .low)]

extension ComputeOptions: CustomTestStringConvertible {
  public var testDescription: String {
    "\(products.rawValue), \(weights.rawValue), \(convolution?.rawValue ?? "by shape"), memory \(memory.rawValue)"
  }
}
