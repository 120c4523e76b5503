import CKernels
import Tensor
import TestSupport
import Testing

/// Weights in 16 bits: the float kernel's bits for the rounded weights.
@Suite struct HalfWeightTests {
  static let half = ComputeOptions(weights: .float16)

  private static func narrowed(_ values: [Float]) -> [UInt16] {
    var halves = [UInt16](repeating: 0, count: values.count)
    vqd_narrow_f16(values, &halves, values.count)
    return halves
  }

  private static func rounded(_ x: FloatTensor) -> FloatTensor {
    let halves = narrowed(x.values)
    var floats = [Float](repeating: 0, count: halves.count)
    vqd_widen_f16(halves, &floats, halves.count)
    return FloatTensor(floats, shape: x.shape)
  }

  /// Values in ± spread, some of them subnormal in half precision and some zero.
  private static func weights(_ shape: [Int], seed: UInt64, spread: Float = 1) -> FloatTensor {
    let (values, kinds) = (randomTensor(shape, seed: seed, spread: spread).values, randomTensor(shape, seed: seed + 1).values)
    return FloatTensor(zip(values, kinds).map { $1 > 0.8 ? $0 * 5e-5 : $1 < -0.9 ? 0 : $0 }, shape: shape)
  }

  @Test(arguments: [1, 7, 383, 384, 385, 769, 1153], [1, 8, 9, 16, 17, 31, 50])
  func theKernelHasTheFloatKernelsBits(inner: Int, columns: Int) {
    let weight = Self.rounded(Self.weights([columns, inner], seed: 1))
    let count = (columns + 15) / 16 * 16 * inner
    var packed = [Float](repeating: .nan, count: count)
    vqd_pack_weights(weight.values, inner, &packed, columns, inner)
    let halves = Self.narrowed(packed)
    let bias = randomTensor([columns], seed: 3).values
    for rows in Array(1...13) + [97, 180] {
      // Rows of A and of C lie apart.
      let (aStride, cStride) = (inner + 3, columns + 5)
      let a = randomTensor([rows, aStride], seed: 4).values
      for accumulate: Int32 in [0, 1] {
        let before = randomTensor([rows, cStride], seed: 5).values
        var (found, expected) = (before, before)
        vqd_packed_gemm_f16(a, aStride, halves, bias, &found, cStride, rows, inner, columns, accumulate)
        vqd_packed_gemm(a, aStride, packed, bias, &expected, cStride, rows, inner, columns, accumulate)
        #expect(found.map(\.bitPattern) == expected.map(\.bitPattern), "\(rows) rows, accumulate \(accumulate)")
        #expect(found != before)
      }
    }
  }

  /// Weights that are every finite pattern, times one.
  @Test func everyFinitePatternIsMultiplied() {
    let patterns = (UInt16.min...UInt16.max).filter { $0 & 0x7fff < 0x7c00 }
    var expected = [Float](repeating: 0, count: patterns.count)
    vqd_widen_f16(patterns, &expected, patterns.count)
    // With K = 1 tiles of 16 columns lie as the columns do.
    var found = [Float](repeating: .nan, count: patterns.count)
    vqd_packed_gemm_f16([1], 1, patterns, nil, &found, patterns.count, 1, 1, patterns.count, 0)
    #expect(patterns.count == 63488 && found == expected)
  }

  @Test(arguments: ProductTests.sizes) func linearLayersHaveTheBitsOfRoundedWeights(size: (rows: Int, inputs: Int, outputs: Int))
  {
    let x = randomTensor([size.rows, size.inputs], seed: 6)
    let weight = Self.weights([size.outputs, size.inputs], seed: 7)
    let bias = randomTensor([size.outputs], seed: 9)
    let residual = randomTensor([size.rows, size.outputs], seed: 10)
    let expected = Linear(weight: Self.rounded(weight), bias: bias)
    for options in everyHalfWay {
      let layer = Linear(weight: weight, bias: bias, options: options)
      for activation in Activation.allCases {
        expectSameBits(layer(x, activation: activation), expected(x, activation: activation), "\(options), \(activation)")
      }
      var (found, sum) = (residual, residual)
      layer.add(x, to: &found)
      expected.add(x, to: &sum)
      expectSameBits(found, sum, "\(options), added")
    }
  }

  @Test(arguments: [Convolution.Kind.pointwise, .same, .downsampling])
  func plainConvolutionsHaveTheBitsOfRoundedWeights(kind: Convolution.Kind) {
    let x = randomTensor([2, 7, 9, 33], seed: 11)
    let weight = Self.weights([41, 33, kind.window, kind.window], seed: 12)
    let options = ComputeOptions(convolution: .im2col)
    var halfOptions = options
    halfOptions.weights = .float16
    let found = Convolution(weight: weight, bias: nil, kind: kind, options: halfOptions)
    let expected = Convolution(weight: Self.rounded(weight), bias: nil, kind: kind, options: options)
    expectSameBits(found(x), expected(x), "\(kind)")
  }

  /// Winograd's algorithm rounds transformed weights u, each by a relative error of mean square 2⁻²²/3 at most. With x and w uniform in
  /// ±1, so of variance 1/3, an output's error has the variance K · 2⁻²²/27 · (Σ_p A_p² |G_p|² |B_p|²)², where the sum over the points of
  /// one dimension is 26.3 at most for F(4×4) and 5 for F(2×2): a deviation of 2.5·10⁻³ √K and 4.7·10⁻⁴ √K, six of which are
  /// allowed.
  @Test(
    arguments: [(ConvolutionAlgorithm.winograd2, 2.8e-3), (.winograd4, 1.5e-2)],
    [(1, 33, 40), (3, 64, 17), (2, 129, 48)])
  func winogradIsOffByItsRoundedWeights(
    algorithm: (way: ConvolutionAlgorithm, bound: Double), size: (batch: Int, inputs: Int, outputs: Int)
  ) {
    let x = randomTensor([size.batch, 11, 14, size.inputs], seed: 14)
    let weight = randomTensor([size.outputs, size.inputs, 3, 3], seed: 15)
    let bias = randomTensor([size.outputs], seed: 16)
    func convolved(_ weights: ComputeOptions.WeightFormat) -> FloatTensor {
      let options = ComputeOptions(convolution: algorithm.way, weights: weights)
      return Convolution(weight: weight, bias: bias, kind: .same, options: options)(x)
    }
    let (found, expected) = (convolved(.float16), convolved(.float32))
    let root = Double(size.inputs).squareRoot()
    expectClose(found, expected, absolute: algorithm.bound * root, relative: 0)
    // The rounding is there, and of the size that was derived: its deviation lies within a factor of two.
    let squares = zip(found.values, expected.values).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    let deviation = (squares / Double(found.count)).squareRoot() / root
    #expect(deviation > algorithm.bound / 24 && deviation < algorithm.bound / 6)
  }

  /// From 65520 on a weight would round to infinity.
  @Test(arguments: [Float(65504), 65519, 65520, 7e4, -1e30, .infinity, .nan])
  func layersBeyondTheRangeStayInFloat(value: Float) {
    let isKept = !(abs(value) < 65520)
    var weight = randomTensor([18, 33], seed: 17)
    weight[17, 30] = value
    let x = randomTensor([5, 33], seed: 18)
    let found = Linear(weight: weight, bias: nil, options: Self.half)
    expectSameBits(
      found(x), Linear(weight: isKept ? weight : Self.rounded(weight), bias: nil)(x), "linear, \(value)")
    for options in everyHalfWay {
      let layer = Linear(weight: weight, bias: nil, options: options)
      // OpenBLAS's products would.
      #expect(!layer.dependsOnPlace, "\(options), \(value)")
      expectSameBits(layer(x), found(x), "\(options), \(value)")
    }

    var filter = randomTensor([33, 34, 3, 3], seed: 19)
    // Sums of a filter's weights leave the range before each of them does.
    for tap in 0..<9 { filter[32, 33, tap / 3, tap % 3] = value }
    let image = randomTensor([1, 6, 7, 34], seed: 20)
    for algorithm in [ConvolutionAlgorithm.winograd2, .winograd4] {
      func convolved(_ weights: ComputeOptions.WeightFormat) -> FloatTensor {
        let options = ComputeOptions(convolution: algorithm, weights: weights)
        return Convolution(weight: filter, bias: nil, kind: .same, options: options)(image)
      }
      expectSameBits(convolved(.float16), convolved(.float32), "\(algorithm), \(value)")
    }
  }
}
