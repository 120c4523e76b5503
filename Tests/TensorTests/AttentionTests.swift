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
}
