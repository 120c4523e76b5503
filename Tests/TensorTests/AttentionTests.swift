import Tensor
import TestSupport
import Testing

@Suite struct AttentionTests {
  @Test(arguments: [1, 7, 64, 257], [1, 3]) func matchesTheOracle(length: Int, heads: Int) {
    for headWidth in [1, 16, 33] {
      let qkv = randomTensor([2, length, 3 * heads * headWidth], seed: 1, spread: 2)
      for products in ComputeOptions.Products.allCases {
        expectClose(
          qkv.selfAttention(heads: heads, products: products), Reference.selfAttention(qkv, heads: heads), absolute: 5e-6,
          "head width \(headWidth), \(products)")
      }
    }
  }

  /// A query far along one key selects that key's value.
  @Test func sharpScoresSelectOneValue() {
    let (length, width) = (5, 8)
    var qkv = randomTensor([1, length, 3 * width], seed: 2)
    for token in 0..<length {
      for channel in 0..<width {
        qkv[0, token, channel] = channel == (token + 1) % length ? 1e4 : 0
        qkv[0, token, width + channel] = channel == token ? 1 : 0
      }
    }
    let y = qkv.selfAttention(heads: 1)
    for token in 0..<length {
      for channel in 0..<width { #expect(y[0, token, channel] == qkv[0, (token + 1) % length, 2 * width + channel]) }
    }
  }

  @Test func nanSpoilsItsImageAlone() {
    var qkv = randomTensor([2, 7, 9], seed: 3)
    qkv[0, 2, 4] = .nan
    let y = qkv.selfAttention(heads: 1)
    #expect(y.slice(0..<1).values.allSatisfy { $0.isNaN })
    #expect(y.slice(1..<2).values.allSatisfy { $0.isFinite })
  }

  /// Sequences under different keys and values, of different lengths, and two under the same.
  @Test(arguments: [1, 7, 64, 257], [1, 3]) func crossAttentionMatchesTheOracle(length: Int, heads: Int) {
    for headWidth in [1, 16, 33] {
      let width = heads * headWidth
      let queries = randomTensor([4, length, width], seed: 4, spread: 2)
      let keysAndValues = [1, 7, 77].enumerated().map { randomTensor([$1, 2 * width], seed: 5 + UInt64($0), spread: 2) }
      let each = [keysAndValues[2], keysAndValues[0], keysAndValues[1], keysAndValues[2]]
      let expected = Reference.crossAttention(queries, each, heads: heads)
      for products in ComputeOptions.Products.allCases {
        expectClose(
          queries.crossAttention(each, heads: heads, products: products), expected, absolute: 5e-6,
          "head width \(headWidth), \(products)")
      }
    }
  }

  /// Self-attention is attention on keys and values from the queries' own sequence.
  @Test func crossAttentionOnItselfIsSelfAttention() {
    let (length, width) = (67, 3 * 16)
    let qkv = randomTensor([2, length, 3 * width], seed: 8, spread: 2)
    var queries = FloatTensor(zeros: [2, length, width])
    var keysAndValues = [FloatTensor](repeating: FloatTensor(zeros: [length, 2 * width]), count: 2)
    for image in 0..<2 {
      for token in 0..<length {
        for channel in 0..<width { queries[image, token, channel] = qkv[image, token, channel] }
        for channel in 0..<2 * width { keysAndValues[image][token, channel] = qkv[image, token, width + channel] }
      }
    }
    // With BLAS the strides, which differ, could choose other kernels.
    expectSameBits(queries.crossAttention(keysAndValues, heads: 3), qkv.selfAttention(heads: 3), "packed")
  }

  @Test func emptyBatchesHaveNoAttention() {
    #expect(FloatTensor(zeros: [0, 7, 6]).crossAttention([], heads: 3).shape == [0, 7, 6])
    #expect(FloatTensor(zeros: [0, 7, 18]).selfAttention(heads: 3).shape == [0, 7, 6])
  }
}
