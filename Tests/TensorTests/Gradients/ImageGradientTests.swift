import Tensor
import TestSupport
import Testing

@Suite struct ImageGradientTests {
  @Test(arguments: [Convolution.Kind.pointwise, .same, .downsampling], [(4, 5), (5, 2), (2, 7)])
  func convolution(kind: Convolution.Kind, size: (height: Int, width: Int)) {
    let x = randomTensor([2, size.height, size.width, 3], seed: 1)
    let (weight, bias) = (randomTensor([4, 3, kind.window, kind.window], seed: 2), randomTensor([4], seed: 3))
    let layer = Gradient.convolution(x, weight: weight, bias: bias, kind: kind)
    expectClose(layer.value, Reference.convolution(x, weight: weight, bias: bias, kind: kind), absolute: 1e-5)
    let seed = randomTensor(layer.value.shape, seed: 4)
    let gradients = layer.pullback(seed)
    expectGradient(gradients.x, at: x, seed: seed) { Reference.convolution($0, weight: weight, bias: bias, kind: kind) }
    expectGradient(gradients.weight, at: weight, seed: seed) { Reference.convolution(x, weight: $0, bias: bias, kind: kind) }
    expectGradient(gradients.bias, at: bias, seed: seed) { Reference.convolution(x, weight: weight, bias: $0, kind: kind) }
  }

  /// Winograd's algorithm, patches in several blocks. By bilinearity ⟨dW, W⟩ = ⟨dx, x⟩ = ⟨dy, y⟩ without the bias, for any W and x;
  /// single elements of dW against their sums.
  @Test(arguments: [Convolution.Kind.same, .downsampling]) func largeConvolution(kind: Convolution.Kind) {
    let x = randomTensor([1, 211, 163, 33], seed: 5)
    let weight = randomTensor([35, 33, 3, 3], seed: 6)
    let layer = Gradient.convolution(x, weight: weight, bias: nil, kind: kind)
    let seed = randomTensor(layer.value.shape, seed: 7)
    let gradients = layer.pullback(seed)
    let loss = dot(layer.value, seed)
    let scale = dot(seed, seed).squareRoot()
    expectClose([dot(gradients.weight, weight), dot(gradients.x, x)], [loss, loss], absolute: 1e-3 * scale)
    let (stride, offset) = kind == .downsampling ? (2, 0) : (1, -1)
    for (output, input, dy, dx) in [(0, 0, 0, 0), (34, 32, 2, 2), (7, 20, 1, 2), (19, 3, 2, 0)] {
      var sum = 0.0
      for row in 0..<seed.shape[1] {
        for column in 0..<seed.shape[2] {
          let (y, z) = (row * stride + offset + dy, column * stride + offset + dx)
          guard (0..<211).contains(y) && (0..<163).contains(z) else { continue }
          sum += Double(seed[0, row, column, output]) * Double(x[0, y, z, input])
        }
      }
      expectClose([gradients.weight[output, input, dy, dx]], [sum], absolute: 1e-5 * scale, "\(output) \(input) \(dy) \(dx)")
    }
  }

  private func dot(_ a: FloatTensor, _ b: FloatTensor) -> Double {
    zip(a.elements, b.elements).reduce(0) { $0 + $1.0 * $1.1 }
  }

  @Test(arguments: [(6, 3), (3, 3), (32, 32)], [Activation.identity, .silu])
  func groupNorm(channelsAndGroups: (Int, Int), activation: Activation) {
    let (channels, groups) = channelsAndGroups
    let x = randomTensor([2, 3, 5, channels], seed: 8, center: 0.5, spread: 2)
    let (weight, bias) = (randomTensor([channels], seed: 9), randomTensor([channels], seed: 10))
    let layer = Gradient.groupNorm(x, groups: groups, weight: weight, bias: bias, activation: activation)
    expectSameBits(layer.value, x.groupNorm(groups: groups, weight: weight, bias: bias, activation: activation), "value")
    let seed = randomTensor(x.shape, seed: 11)
    let gradients = layer.pullback(seed)
    func reference(_ x: FloatTensor, _ weight: FloatTensor, _ bias: FloatTensor) -> FloatTensor {
      Reference.groupNorm(x, groups: groups, weight: weight, bias: bias, activation: activation)
    }
    expectGradient(gradients.x, at: x, seed: seed) { reference($0, weight, bias) }
    expectGradient(gradients.weight, at: weight, seed: seed) { reference(x, $0, bias) }
    expectGradient(gradients.bias, at: bias, seed: seed) { reference(x, weight, $0) }
  }

  /// 7 positions, and three chunks of them.
  @Test(arguments: [(7, 5), (1031, 1)]) func instanceNorm(length: Int, width: Int) {
    let x = randomTensor([length > 7 ? 1 : 3, length, width], seed: 12, spread: 2)
    let modulation = randomTensor([x.shape[0], 2 * width], seed: 13)
    let layer = Gradient.instanceNorm(x, modulation: modulation)
    expectSameBits(layer.value, x.instanceNorm(modulation: modulation), "value")
    let seed = randomTensor(x.shape, seed: 14)
    let gradients = layer.pullback(seed)
    expectGradient(gradients.x, at: x, seed: seed) { Reference.instanceNorm($0, modulation: modulation) }
    expectGradient(gradients.modulation, at: modulation, seed: seed) { Reference.instanceNorm(x, modulation: $0) }
  }

  @Test func upsampling() {
    let x = randomTensor([2, 3, 5, 3], seed: 15)
    let layer = Gradient.upsampledNearest(x)
    expectSameBits(layer.value, x.upsampledNearest(), "value")
    let seed = randomTensor(layer.value.shape, seed: 16)
    expectGradient(layer.pullback(seed), at: x, seed: seed) { Reference.upsampledNearest($0) }
  }
}

extension SharedPoolTests {
  @Test static func imageGradientsDoNotDependOnThreads() {
    let x = randomTensor([2, 41, 37, 64], seed: 17)
    let weight = randomTensor([32, 64, 3, 3], seed: 18)
    for kind in [Convolution.Kind.same, .downsampling] {
      expectSameOnAnyThreads("\(kind)") {
        let layer = Gradient.convolution(x, weight: weight, bias: nil, kind: kind)
        let gradients = layer.pullback(randomTensor(layer.value.shape, seed: 19))
        return [layer.value, gradients.x, gradients.weight, gradients.bias]
      }
    }
    let (scale, shift) = (randomTensor([64], seed: 20), randomTensor([64], seed: 21))
    expectSameOnAnyThreads("group norm") {
      let gradients = Gradient.groupNorm(x, groups: 32, weight: scale, bias: shift, activation: .silu).pullback(x)
      return [gradients.x, gradients.weight, gradients.bias]
    }
  }
}
