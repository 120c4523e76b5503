import CKernels
import Tensor
import TestSupport
import Testing

@Suite struct Int8Tests {
  static let sizes = [
    (1, 1, 1), (1, 7, 3), (5, 3, 33), (7, 384, 8), (11, 385, 9), (12, 31, 16), (13, 17, 17), (25, 27, 32), (67, 98, 31),
    (3, 1031, 37),
  ]

  private static func linear(_ weight: FloatTensor, bias: FloatTensor? = nil) -> Linear {
    Linear(weight: weight, bias: bias, options: ComputeOptions(weights: .int8))
  }

  /// The codes' product by one variant; rows whose largest magnitude is 127 have scale 1.
  private static func product(
    _ a: [Float], _ b: [Float], rows: Int, inner: Int, columns: Int, _ variant: vqd_int8_variant
  ) -> [Float] {
    let bytes = vqd_int8_tile_bytes(inner) * ((columns + 15) / 16)
    var packed = [UInt32](repeating: 0, count: bytes / 4)
    var codes = [UInt32](repeating: 0, count: rows * vqd_int8_row_bytes(inner, variant) / 4)
    var scales = [Float](repeating: 0, count: rows)
    var c = [Float](repeating: .nan, count: rows * columns)
    vqd_int8_pack_weights(b, &packed, columns, inner, variant)
    vqd_int8_quantize(a, rows, inner, &codes, &scales, variant)
    vqd_int8_gemm(codes, scales, packed, &c, columns, rows, inner, columns, 0, variant)
    return c
  }

  private static func integers(_ rows: Int, _ inner: Int, seed: UInt64) -> [Float] {
    var values = randomTensor([rows, inner], seed: seed, spread: 127.4).values.map { $0.rounded() }
    for row in 0..<rows { values[row * inner + row % inner] = row.isMultiple(of: 2) ? 127 : -127 }
    return values
  }

  private static func expectIntegers(_ variant: vqd_int8_variant) {
    for (rows, inner, columns) in sizes {
      let (a, b) = (integers(rows, inner, seed: 1), integers(columns, inner, seed: 2))
      let found = product(a, b, rows: rows, inner: inner, columns: columns, variant)
      for row in 0..<rows {
        for column in 0..<columns {
          let sum = (0..<inner).reduce(0) { $0 + Int(a[row * inner + $1]) * Int(b[column * inner + $1]) }
          #expect(found[row * columns + column] == Float(sum), "\(rows)×\(inner)×\(columns) at \(row), \(column)")
        }
      }
    }
  }

  @Test func portableSumsAreTheNaiveIntegers() { Self.expectIntegers(VQD_INT8_PORTABLE) }

  @Test(.enabled(if: vqd_int8_available(VQD_INT8_AVX2) != 0, "this CPU has no AVX2"))
  func avx2SumsAreTheNaiveIntegers() { Self.expectIntegers(VQD_INT8_AVX2) }

  @Test(.enabled(if: vqd_int8_available(VQD_INT8_VNNI) != 0, "this CPU has no AVX-512 VNNI"))
  func vnniSumsAreTheNaiveIntegers() { Self.expectIntegers(VQD_INT8_VNNI) }

  private static func expectPortableBits(_ variant: vqd_int8_variant) {
    let (rows, inner, columns) = (29, 333, 45)
    let a = randomTensor([rows, inner], seed: 3).values
    let b = randomTensor([columns, inner], seed: 4).values
    let expected = product(a, b, rows: rows, inner: inner, columns: columns, VQD_INT8_PORTABLE).map(\.bitPattern)
    #expect(Set(expected).count > 1000)
    let areSame = product(a, b, rows: rows, inner: inner, columns: columns, variant).map(\.bitPattern) == expected
    #expect(areSame)
  }

  @Test(.enabled(if: vqd_int8_available(VQD_INT8_AVX2) != 0, "this CPU has no AVX2"))
  func avx2GivesThePortableBits() { Self.expectPortableBits(VQD_INT8_AVX2) }

  @Test(.enabled(if: vqd_int8_available(VQD_INT8_VNNI) != 0, "this CPU has no AVX-512 VNNI"))
  func vnniGivesThePortableBits() { Self.expectPortableBits(VQD_INT8_VNNI) }

  private static func expectNoOverflow(_ variant: vqd_int8_variant) {
    let inner = Int(VQD_INT8_LONGEST)
    let (up, down) = ([Float](repeating: 1, count: inner), [Float](repeating: -1, count: inner))
    let found = product(up + down, up, rows: 2, inner: inner, columns: 1, variant)
    expectClose(found, [Float(inner), -Float(inner)], absolute: 0, relative: 1e-6)
    #expect((inner + 1) * 127 * 127 > Int(Int32.max))
  }

  @Test func theLongestPortableSumsDontOverflow() { Self.expectNoOverflow(VQD_INT8_PORTABLE) }

  @Test(.enabled(if: vqd_int8_available(VQD_INT8_AVX2) != 0, "this CPU has no AVX2"))
  func theLongestAVX2SumsDontOverflow() { Self.expectNoOverflow(VQD_INT8_AVX2) }

  @Test(.enabled(if: vqd_int8_available(VQD_INT8_VNNI) != 0, "this CPU has no AVX-512 VNNI"))
  func theLongestVNNISumsDontOverflow() { Self.expectNoOverflow(VQD_INT8_VNNI) }

  /// One-hot weights show each coded activation: off by at most half a step, max|a| / 254.
  @Test func roundingIsOffByHalfAStepAtMost() {
    let width = 65
    let x = randomTensor([9, width], seed: 5, spread: 3)
    var unit = FloatTensor(zeros: [width, width])
    for index in 0..<width { unit[index, index] = 1 }
    let y = Self.linear(unit)(x)
    for row in 0..<9 {
      let values = x.slice(row..<row + 1).values
      let largest = Double(values.map(abs).max() ?? 0)
      expectClose(y.slice(row..<row + 1).values, values, absolute: largest / 254 * 1.0001)
    }
    #expect(y.values != x.values)
  }

  /// |Σ a b − Σ â b̂| ≤ Σ (|a| s_b + |b| s_a) / 2 + K s_a s_b / 4.
  @Test(arguments: sizes) func resultsStayWithinTheRoundingBound(size: (rows: Int, inner: Int, columns: Int)) {
    let x = randomTensor([size.rows, size.inner], seed: 6)
    let weight = randomTensor([size.columns, size.inner], seed: 7)
    let bias = randomTensor([size.columns], seed: 8)
    let residual = randomTensor([size.rows, size.columns], seed: 9)
    // Magnitudes are at most 1, so both scales are at most 1/127.
    let bound = Double(size.inner) * (1.0 / 127 + 0.25 / (127 * 127)) + 1e-5
    let layer = Self.linear(weight, bias: bias)
    for activation in Activation.allCases {
      expectClose(
        layer(x, activation: activation), Reference.linear(x, weight: weight, bias: bias, activation: activation),
        absolute: 1.2 * bound, "\(activation)")
    }
    var sum = residual
    layer.add(x, to: &sum)
    expectClose(
      sum, Reference.linear(x, weight: weight, bias: bias, residual: residual), absolute: bound, "added to a residual")
  }

  @Test func specialRowsKeepToThemselves() {
    var x = randomTensor([25, 33], seed: 10)
    (x[13, 32], x[20, 0]) = (.nan, .infinity)
    for index in 0..<33 { x[7, index] = index.isMultiple(of: 2) ? 0 : Float.leastNonzeroMagnitude }
    let y = Self.linear(randomTensor([17, 33], seed: 11))(x).values
    #expect(y.indices.allSatisfy { y[$0].isNaN == [13, 20].contains($0 / 17) })
    #expect(y[7 * 17..<8 * 17].allSatisfy { $0 == 0 })
  }
}

extension SharedPoolTests {
  @Test(arguments: [(192, 576), (768, 193), (27, 32), (2305, 130)])
  static func int8RowsDependOnThemselvesAlone(shape: (inputs: Int, outputs: Int)) {
    let layer = Linear(
      weight: randomTensor([shape.outputs, shape.inputs], seed: 1), bias: randomTensor([shape.outputs], seed: 2),
      options: ComputeOptions(weights: .int8))
    let x = randomTensor([257, shape.inputs], seed: 3)
    let whole = withThreads(1) { layer(x, activation: .gelu) }
    for threads in 1...4 {
      withThreads(threads) {
        for range in [0..<257, 0..<1, 11..<12, 5..<40, 200..<257] {
          expectSameBits(
            layer(x.slice(range), activation: .gelu), whole.slice(range), "rows \(range), \(threads) threads")
        }
      }
    }
  }
}
