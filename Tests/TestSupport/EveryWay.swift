import Tensor
import Testing

/// Every way in which layers can compute.
package let everyWay: [ComputeOptions] =
  ComputeOptions.Products.allCases.flatMap { products in
    ([nil] + ConvolutionAlgorithm.allCases.map { $0 }).map { ComputeOptions(products: products, convolution: $0) }
  } + [ComputeOptions(memory: .low)]

extension ComputeOptions: CustomTestStringConvertible {
  public var testDescription: String { "\(products.rawValue), \(convolution?.rawValue ?? "by shape"), memory \(memory.rawValue)" }
}
