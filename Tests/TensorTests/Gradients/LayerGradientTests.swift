import Tensor
import TestSupport
import Testing

@Suite struct LayerGradientTests {
  @Test(arguments: [(1, 1, 1), (5, 7, 3), (13, 4, 9)]) func linear(rows: Int, inputs: Int, outputs: Int) {
    let x = randomTensor([1, rows, inputs], seed: 1)
    let (weight, bias) = (randomTensor([outputs, inputs], seed: 2), randomTensor([outputs], seed: 3))
    let layer = Gradient.linear(x, weight: weight, bias: bias)
    expectClose(layer.value, Reference.linear(x, weight: weight, bias: bias), absolute: 1e-5)
    let seed = randomTensor(layer.value.shape, seed: 4)
    let gradients = layer.pullback(seed)
    expectGradient(gradients.x, at: x, seed: seed) { Reference.linear($0, weight: weight, bias: bias) }
    expectGradient(gradients.weight, at: weight, seed: seed) { Reference.linear(x, weight: $0, bias: bias) }
    expectGradient(gradients.bias, at: bias, seed: seed) { Reference.linear(x, weight: weight, bias: $0) }
    expectClose(
      Gradient.linear(x, weight: weight, bias: nil).value, Reference.linear(x, weight: weight), absolute: 1e-5, "no bias")
  }

  /// Several panels, tiles and parts of the rows.
  @Test(arguments: [(2051, 33, 17), (4099, 20, 200)]) func longLinear(rows: Int, inputs: Int, outputs: Int) {
    let x = randomTensor([rows, inputs], seed: 5)
    let weight = randomTensor([outputs, inputs], seed: 6)
    let layer = Gradient.linear(x, weight: weight, bias: nil)
    let seed = randomTensor([rows, outputs], seed: 7)
    let gradients = layer.pullback(seed)
    expectClose(layer.value, Reference.matrixProduct(x, weight, transposingB: true), absolute: 1e-5)
    expectClose(gradients.x, Reference.matrixProduct(seed, weight), absolute: 1e-4)
    expectClose(gradients.weight, Reference.matrixProduct(seed, x, transposingA: true), absolute: 1e-3)
    let ones = FloatTensor([Float](repeating: 1, count: rows), shape: [1, rows])
    expectClose(gradients.bias, Reference.matrixProduct(ones, seed).reshaped([outputs]), absolute: 1e-4)
  }

  @Test(arguments: [3, 31]) func affineLayerNorm(width: Int) {
    let x = randomTensor([2, 5, width], seed: 8, center: 0.5, spread: 2)
    let (weight, bias) = (randomTensor([width], seed: 9), randomTensor([width], seed: 10))
    let layer = Gradient.layerNorm(x, weight: weight, bias: bias)
    expectSameBits(layer.value, x.layerNorm(weight: weight, bias: bias), "value")
    let seed = randomTensor(x.shape, seed: 11)
    let gradients = layer.pullback(seed)
    expectGradient(gradients.x, at: x, seed: seed) { Reference.layerNorm($0, weight: weight, bias: bias) }
    expectGradient(gradients.weight, at: weight, seed: seed) { Reference.layerNorm(x, weight: $0, bias: bias) }
    expectGradient(gradients.bias, at: bias, seed: seed) { Reference.layerNorm(x, weight: weight, bias: $0) }
  }

  @Test(arguments: [3, 33]) func modulatedLayerNorm(width: Int) {
    let x = randomTensor([3, 4, width], seed: 12, spread: 2)
    let modulation = randomTensor([3, 2 * width], seed: 13)
    let layer = Gradient.layerNorm(x, modulation: modulation)
    expectSameBits(layer.value, x.layerNorm(modulation: modulation), "value")
    let seed = randomTensor(x.shape, seed: 14)
    let gradients = layer.pullback(seed)
    expectGradient(gradients.x, at: x, seed: seed, step: 0.01) { Reference.layerNorm($0, modulation: modulation) }
    expectGradient(gradients.modulation, at: modulation, seed: seed) { Reference.layerNorm(x, modulation: $0) }
  }

  @Test(arguments: Activation.allCases) func activation(activation: Activation) {
    let x = randomTensor([7, 13], seed: 15, spread: 5)
    let layer = Gradient.applying(activation, to: x)
    expectSameBits(layer.value, x.applying(activation), "value")
    let seed = randomTensor(x.shape, seed: 16)
    expectGradient(layer.pullback(seed), at: x, seed: seed) { Reference.applying(activation, to: $0) }
  }

  @Test(arguments: [(1, 1), (7, 3), (261, 1)]) func selfAttention(length: Int, heads: Int) {
    let x = randomTensor([2, length, 3 * heads * (length > 99 ? 1 : 5)], seed: 17)
    let layer = Gradient.selfAttention(x, heads: heads)
    expectSameBits(layer.value, x.selfAttention(heads: heads), "value")
    let seed = randomTensor(layer.value.shape, seed: 18)
    let gradient = layer.pullback(seed)
    // Of long sequences, which take seconds, the linear part alone: a value's gradient is the product's own.
    guard length < 99 else { return expectLongAttention(gradient, x, seed) }
    expectGradient(gradient, at: x, seed: seed) { Reference.selfAttention($0, heads: heads) }
  }

  /// Against y = Σ_j P_ij v_j differentiated by hand, for one head of width one.
  private func expectLongAttention(_ gradient: FloatTensor, _ x: FloatTensor, _ seed: FloatTensor) {
    let length = x.shape[1]
    var expected = [Double](repeating: 0, count: x.count)
    for image in 0..<2 {
      let rows = (0..<length).map { token in (0..<3).map { Double(x[image, token, $0]) } }
      for (i, row) in rows.enumerated() {
        let scores = rows.map { Float(row[0] * $0[1]) }
        let weights = Reference.softmax(FloatTensor(scores, shape: [1, length])).elements
        let output = zip(weights, rows).reduce(0) { $0 + $1.0 * $1.1[2] }
        let up = Double(seed[image, i, 0])
        for (j, other) in rows.enumerated() {
          let dScore = up * weights[j] * (other[2] - output)
          expected[(image * length + i) * 3] += dScore * other[1]
          expected[(image * length + j) * 3 + 1] += dScore * row[0]
          expected[(image * length + j) * 3 + 2] += up * weights[j]
        }
      }
    }
    expectClose(gradient.values, expected, absolute: 1e-5)
  }

  @Test func crossAttention() {
    let x = randomTensor([2, 5, 6], seed: 19)
    let rows = [randomTensor([3, 12], seed: 20), randomTensor([7, 12], seed: 21)]
    let layer = Gradient.crossAttention(x, rows, heads: 2)
    expectSameBits(layer.value, x.crossAttention(rows, heads: 2), "value")
    let seed = randomTensor(x.shape, seed: 22)
    let gradients = layer.pullback(seed)
    expectGradient(gradients.queries, at: x, seed: seed) { Reference.crossAttention($0, rows, heads: 2) }
    #expect(gradients.keysAndValues.count == 2)
    expectGradient(gradients.keysAndValues[0], at: rows[0], seed: seed) { Reference.crossAttention(x, [$0, rows[1]], heads: 2) }
    expectGradient(gradients.keysAndValues[1], at: rows[1], seed: seed) { Reference.crossAttention(x, [rows[0], $0], heads: 2) }
  }

  @Test func embedding() {
    let table = randomTensor([5, 67], seed: 23)
    let indices: [Int32] = [4, 0, 4, 2, 4]
    let layer = Gradient.embedding(table, indices: indices)
    let seed = randomTensor([5, 67], seed: 24)
    let gradient = layer.pullback(seed)
    for column in 0..<67 {
      for (row, index) in indices.enumerated() { #expect(layer.value[row, column] == table[Int(index), column]) }
      #expect(gradient[0, column] == seed[1, column] && gradient[2, column] == seed[3, column])
      #expect(gradient[1, column] == 0 && gradient[3, column] == 0)
      #expect(gradient[4, column] == seed[0, column] + seed[2, column] + seed[4, column])
    }
  }

  @Test(arguments: [(1, 2), (7, 13)]) func crossEntropy(rows: Int, classes: Int) {
    let logits = randomTensor([rows, classes], seed: 25, spread: 3)
    let targets = (0..<rows).map { Int32($0 * 5 % classes) }
    let weights = randomTensor([rows], seed: 26, center: 1, spread: 0.9).values
    // The loss as minus the weighted sum of single elements.
    var picked = FloatTensor(zeros: [rows, classes])
    for row in 0..<rows { picked[row, Int(targets[row])] = -weights[row] }
    let layer = Gradient.crossEntropy(logits, targets: targets, weights: weights)
    let loss = zip(Reference.logSoftmax(logits).elements, picked.elements).reduce(0) { $0 + $1.0 * $1.1 }
    expectClose(layer.value.values, [loss], absolute: 1e-6, relative: 1e-6)
    expectGradient(layer.pullback(FloatTensor([1], shape: [1])), at: logits, seed: picked) { Reference.logSoftmax($0) }
    let doubled = layer.pullback(FloatTensor([2], shape: [1])).values
    #expect(doubled == layer.pullback(FloatTensor([1], shape: [1])).values.map { 2 * $0 })
  }
}

extension SharedPoolTests {
  @Test static func layerGradientsDoNotDependOnThreads() {
    let x = randomTensor([3, 700, 96], seed: 27)
    let weight = randomTensor([40, 96], seed: 28)
    expectSameOnAnyThreads("linear") {
      let layer = Gradient.linear(x, weight: weight, bias: nil)
      let gradients = layer.pullback(randomTensor(layer.value.shape, seed: 29))
      return [layer.value, gradients.x, gradients.weight, gradients.bias]
    }
    expectSameOnAnyThreads("layer norm") {
      let gradients = Gradient.layerNorm(x, modulation: randomTensor([3, 192], seed: 30)).pullback(x)
      return [gradients.x, gradients.modulation]
    }
    expectSameOnAnyThreads("attention") {
      [Gradient.selfAttention(x, heads: 4).pullback(randomTensor([3, 700, 32], seed: 31))]
    }
  }
}
