import Tensor
import TestSupport
import Testing

extension SharedPoolTests {
  /// The bits of a row, or of an image, depend neither on what is computed with it nor on the number of threads.
  @Suite struct RowIndependenceTests {
    static let linearShapes: [(inputs: Int, outputs: Int)] = [
      (192, 192), (192, 576), (192, 768), (768, 192), (192, 512), (512, 974), (27, 32), (288, 32), (576, 64), (64, 3), (33, 31),
      (16, 8), (1152, 32), (128, 3), (2305, 130),
    ]
    static let threads = 1...4
    /// Rows of an image: one, odd, a small grid, and more than a panel.
    static let rowCounts = [1, 13, 64, 257]

    /// `body` for each number of threads and each part of `x` (from its start and to its end), against the parts of `whole`.
    private func expectIndependence(
      of x: FloatTensor, parts: [Int], whole: FloatTensor, _ comment: String, _ body: (FloatTensor, Range<Int>) -> FloatTensor
    ) {
      for count in Self.threads {
        SharedPoolTests.withThreads(count) {
          for part in parts {
            for range in Set([0..<part, x.shape[0] - part..<x.shape[0]]) {
              expectSameBits(body(x.slice(range), range), whole.slice(range), "\(comment), rows \(range), \(count) threads")
            }
          }
        }
      }
    }

    static let linearWays = [
      ComputeOptions(products: .packed), ComputeOptions(products: .openBLAS), ComputeOptions(weights: .float16),
    ]

    @Test(arguments: linearShapes, linearWays) func linear(shape: (inputs: Int, outputs: Int), way: ComputeOptions) {
      let (inputs, outputs) = shape
      let layer = Linear(
        weight: randomTensor([outputs, inputs], seed: 3, spread: 0.1), bias: randomTensor([outputs], seed: 4), options: way)
      for rows in Self.rowCounts {
        let x = randomTensor([5, rows, inputs], seed: 1)
        let residual = randomTensor([5, rows, outputs], seed: 2)
        let (activated, added) = SharedPoolTests.withThreads(1) {
          var sum = residual
          layer.add(x, to: &sum)
          return (layer(x, activation: .gelu), sum)
        }
        let comment = "linear \(inputs) -> \(outputs) of \(rows) rows"
        expectIndependence(of: x, parts: [1, 2, 5], whole: activated, comment) { images, _ in
          layer(images, activation: .gelu)
        }
        expectIndependence(of: x, parts: [1, 2, 5], whole: added, "adding " + comment) { images, range in
          var sum = residual.slice(range)
          layer.add(images, to: &sum)
          return sum
        }
      }
    }

    static let convolutions: [(kind: Convolution.Kind, inputs: Int, outputs: Int)] = [
      (.pointwise, 33, 40), (.same, 3, 33), (.same, 32, 64), (.same, 33, 3), (.downsampling, 3, 32), (.downsampling, 40, 33),
    ]

    @Test(arguments: convolutions, everyWay + everyHalfWay)
    func convolution(shape: (kind: Convolution.Kind, inputs: Int, outputs: Int), way: ComputeOptions) {
      let (kind, inputs, outputs) = shape
      let window = kind == .pointwise ? 1 : 3
      let layer = Convolution(
        weight: randomTensor([outputs, inputs, window, window], seed: 5, spread: 0.1),
        bias: randomTensor([outputs], seed: 6), kind: kind, options: way)
      for (height, width) in [(7, 5), (13, 17)] {
        let x = randomTensor([10, height, width, inputs], seed: 7)
        let whole = SharedPoolTests.withThreads(1) { layer(x, activation: .silu) }
        let residual = randomTensor(whole.shape, seed: 8)
        let added = SharedPoolTests.withThreads(1) {
          var sum = residual
          layer.add(x, to: &sum)
          return sum
        }
        let comment = "\(kind) \(inputs) -> \(outputs), \(height)×\(width)"
        expectIndependence(of: x, parts: [1, 3, 10], whole: whole, comment) { images, _ in layer(images, activation: .silu) }
        expectIndependence(of: x, parts: [1, 3, 10], whole: added, "adding " + comment) { images, range in
          var sum = residual.slice(range)
          layer.add(images, to: &sum)
          return sum
        }
      }
    }

    @Test(arguments: [(1, 3), (64, 33), (257, 96)]) func sequences(length: Int, width: Int) {
      let x = randomTensor([10, length, width], seed: 9)
      let (weight, bias) = (randomTensor([width], seed: 10), randomTensor([width], seed: 11))
      let modulation = randomTensor([10, 2 * width], seed: 12)
      let kernels: [(String, (FloatTensor, Range<Int>) -> FloatTensor)] = [
        ("layer norm", { images, _ in images.layerNorm(weight: weight, bias: bias) }),
        ("adaptive layer norm", { images, range in images.layerNorm(modulation: modulation.slice(range)) }),
        ("adaptive instance norm", { images, range in images.instanceNorm(modulation: modulation.slice(range)) }),
        ("attention", { images, _ in images.selfAttention(heads: 1) }),
        ("softmax", { images, _ in images.softmax() }),
        ("log softmax", { images, _ in images.logSoftmax() }),
        ("GELU", { images, _ in images.applying(.gelu) }),
      ]
      for (name, kernel) in kernels {
        let whole = SharedPoolTests.withThreads(1) { kernel(x, 0..<10) }
        expectIndependence(of: x, parts: [1, 3, 10], whole: whole, "\(name) \(length)×\(width)", kernel)
      }
    }

    @Test func attentionOfSeveralHeads() {
      let x = randomTensor([10, 300, 3 * 3 * 16], seed: 13, spread: 3)
      for products in ComputeOptions.Products.allCases {
        let whole = SharedPoolTests.withThreads(1) { x.selfAttention(heads: 3, products: products) }
        expectIndependence(of: x, parts: [1, 3, 10], whole: whole, "attention, \(products)") { images, _ in
          images.selfAttention(heads: 3, products: products)
        }
      }
    }

    /// As in guidance: each sequence stands under one of two texts.
    @Test func crossAttention() {
      let x = randomTensor([10, 300, 3 * 16], seed: 17, spread: 3)
      let texts = [18, 19].map { randomTensor([77, 2 * 3 * 16], seed: $0, spread: 3) }
      let keysAndValues = (0..<10).map { texts[$0 < 5 ? 0 : 1] }
      for products in ComputeOptions.Products.allCases {
        let whole = SharedPoolTests.withThreads(1) { x.crossAttention(keysAndValues, heads: 3, products: products) }
        expectIndependence(of: x, parts: [1, 3, 10], whole: whole, "cross-attention, \(products)") { images, range in
          images.crossAttention(Array(keysAndValues[range]), heads: 3, products: products)
        }
      }
    }

    @Test(arguments: [(1, 1, 3, 3), (23, 29, 33, 11)]) func images(height: Int, width: Int, channels: Int, groups: Int) {
      let x = randomTensor([10, height, width, channels], seed: 14)
      let (weight, bias) = (randomTensor([channels], seed: 15), randomTensor([channels], seed: 16))
      let norm: (FloatTensor, Range<Int>) -> FloatTensor = { images, _ in
        images.groupNorm(groups: groups, weight: weight, bias: bias, activation: .silu)
      }
      let whole = SharedPoolTests.withThreads(1) { (norm(x, 0..<10), x.upsampledNearest()) }
      expectIndependence(of: x, parts: [1, 3, 10], whole: whole.0, "group norm", norm)
      expectIndependence(of: x, parts: [1, 3, 10], whole: whole.1, "upsampling") { images, _ in images.upsampledNearest() }
    }
  }
}
