import Tensor
import TestSupport
import Testing

/// The pullbacks by OpenBLAS against those by the packed kernel.
@Suite struct ProductGradientTests {
  private func bothWays(
    _ body: (ComputeOptions.Products) -> [FloatTensor]
  ) -> [(openBLAS: FloatTensor, packed: FloatTensor)] {
    Array(zip(body(.openBLAS), body(.packed)))
  }

  @Test(arguments: [(1, 7, 5), (389, 33, 101), (2311, 20, 17)]) func linear(rows: Int, inputs: Int, outputs: Int) {
    let (x, seed) = (randomTensor([rows, inputs], seed: 1), randomTensor([rows, outputs], seed: 2))
    let (weight, bias) = (randomTensor([outputs, inputs], seed: 3), randomTensor([outputs], seed: 4))
    let results = bothWays { products in
      let layer = Gradient.linear(x, weight: weight, bias: bias, options: ComputeOptions(products: products))
      let gradients = layer.pullback(seed)
      return [layer.value, gradients.x, gradients.weight, gradients.bias]
    }
    for (index, result) in results.enumerated() {
      expectClose(result.openBLAS, result.packed, absolute: 1e-3, "result \(index)")
    }
  }

  /// More queries than one block.
  @Test(arguments: [3, 64, 259]) func selfAttention(length: Int) {
    let (width, heads) = (10, 2)
    let projections = randomTensor([2, length, 3 * width], seed: 5)
    let seed = randomTensor([2, length, width], seed: 6)
    let results = bothWays { products in
      let attention = Gradient.selfAttention(projections, heads: heads, products: products)
      return [attention.value, attention.pullback(seed)]
    }
    for (index, result) in results.enumerated() {
      expectClose(result.openBLAS, result.packed, absolute: 1e-4, "result \(index)")
    }
  }

  @Test(arguments: [Convolution.Kind.same, .downsampling]) func convolution(kind: Convolution.Kind) {
    let (x, weight) = (randomTensor([2, 23, 26, 8], seed: 7), randomTensor([5, 8, 3, 3], seed: 8))
    let results = bothWays { products in
      let layer = Gradient.convolution(
        x, weight: weight, bias: nil, kind: kind, options: ComputeOptions(products: products))
      let gradients = layer.pullback(randomTensor(layer.value.shape, seed: 9))
      return [layer.value, gradients.x, gradients.weight]
    }
    for (index, result) in results.enumerated() {
      expectClose(result.openBLAS, result.packed, absolute: 1e-3, "result \(index)")
    }
  }
}
