import Tensor
import TestSupport
import Testing

@Suite struct ProductTests {
  /// Rows, inputs, outputs.
  static let sizes = [
    (1, 1, 1), (1, 7, 3), (5, 3, 33), (7, 384, 8), (11, 385, 9), (12, 31, 16), (13, 17, 17), (24, 27, 32), (67, 97, 31),
    (97, 768, 24), (100, 33, 130), (193, 64, 3), (3, 2305, 37), (2, 4609, 5), (257, 192, 64),
  ]

  @Test(arguments: sizes) func linear(size: (rows: Int, inputs: Int, outputs: Int)) {
    let x = randomTensor([size.rows, size.inputs], seed: 1)
    let weight = randomTensor([size.outputs, size.inputs], seed: 2)
    let bias = randomTensor([size.outputs], seed: 3)
    let residual = randomTensor([size.rows, size.outputs], seed: 4)
    let tolerance = 1e-6 * Double(size.inputs).squareRoot() + 1e-6
    let layer = Linear(weight: weight, bias: bias)
    for activation in Activation.allCases {
      expectClose(
        layer(x, activation: activation), Reference.linear(x, weight: weight, bias: bias, activation: activation),
        absolute: tolerance, relative: 1e-6, "\(activation)")
    }
    expectClose(
      Linear(weight: weight, bias: nil)(x), Reference.linear(x, weight: weight), absolute: tolerance, "no bias")
    var sum = residual
    layer.add(x, to: &sum)
    expectClose(
      sum, Reference.linear(x, weight: weight, bias: bias, residual: residual), absolute: tolerance, "added to a residual")
  }

  @Test func linearOverSeveralDimensionsAndNoRows() {
    let weight = randomTensor([5, 3], seed: 5)
    let layer = Linear(weight: weight, bias: nil)
    let x = randomTensor([2, 7, 3], seed: 6)
    expectClose(layer(x), Reference.linear(x, weight: weight), absolute: 1e-6)
    #expect(layer(FloatTensor(zeros: [0, 3])).shape == [0, 5])
  }

  @Test func stackedLayersGiveTheSameSideBySide() {
    let parts = (0..<3).map { index in
      (weight: randomTensor([5 + index, 33], seed: 8 + UInt64(index)), bias: randomTensor([5 + index], seed: 11 + UInt64(index)))
    }
    let x = randomTensor([7, 33], seed: 14)
    let layers = parts.map { Linear(weight: $0.weight, bias: $0.bias) }
    let expected = (0..<7).flatMap { row in layers.flatMap { $0(x.slice(row..<row + 1)).values } }
    let stacked = Linear(stacking: parts.map { (.floats($0.weight), $0.bias) }, options: ComputeOptions())
    expectClose(stacked(x), FloatTensor(expected, shape: [7, 18]), absolute: 1e-5)
  }

  @Test func nanSpoilsItsRowAlone() {
    var x = randomTensor([25, 33], seed: 15)
    x[13, 32] = .nan
    let y = Linear(weight: randomTensor([17, 33], seed: 16), bias: nil)(x, activation: .gelu).values
    #expect(y.indices.allSatisfy { y[$0].isNaN == ($0 / 17 == 13) })
  }

  @Test(arguments: [(1, 1, 1), (3, 5, 7), (17, 33, 31), (64, 257, 7)], [[], [1], [2, 3]])
  func matrixProduct(size: (m: Int, k: Int, n: Int), batch: [Int]) {
    for (transposingSelf, transposingOther) in [(false, false), (true, false), (false, true), (true, true)] {
      let a = randomTensor(batch + (transposingSelf ? [size.k, size.m] : [size.m, size.k]), seed: 17)
      let b = randomTensor(batch + (transposingOther ? [size.n, size.k] : [size.k, size.n]), seed: 18)
      expectClose(
        a.matrixProduct(b, transposingSelf: transposingSelf, transposingOther: transposingOther),
        Reference.matrixProduct(a, b, transposingA: transposingSelf, transposingB: transposingOther), absolute: 2e-5,
        "transposed: \(transposingSelf), \(transposingOther)")
    }
  }
}
