import Tensor
import TestSupport
import Testing

@Suite struct CausalAttentionTests {
  @Test(arguments: [1, 2, 7, 77], [1, 3]) func matchesTheOracle(length: Int, heads: Int) {
    for headWidth in [1, 16, 33] {
      let qkv = randomTensor([2, length, 3 * heads * headWidth], seed: 1, spread: 2)
      expectClose(
        qkv.causalSelfAttention(heads: heads), Reference.causalSelfAttention(qkv, heads: heads), absolute: 5e-6,
        "head width \(headWidth)")
    }
  }

  @Test func laterTokensDontShow() {
    let qkv = randomTensor([2, 11, 3 * 8], seed: 2)
    var spoilt = qkv
    for channel in 0..<24 { spoilt[1, 6, channel] = .nan }
    let (whole, other) = (qkv.causalSelfAttention(heads: 2), spoilt.causalSelfAttention(heads: 2))
    expectSameBits(other.slice(0..<1), whole.slice(0..<1), "the other sequence")
    expectSameBits(
      other.slice(1..<2).rows(0..<6, width: 8), whole.slice(1..<2).rows(0..<6, width: 8), "tokens before the NaN")
    #expect(other.slice(1..<2).values[(6 * 8)...].allSatisfy { $0.isNaN })
  }

  /// The first token sees itself alone: its own value.
  @Test func firstTokenKeepsItsValue() {
    let qkv = randomTensor([1, 5, 9], seed: 3)
    let y = qkv.causalSelfAttention(heads: 1)
    for channel in 0..<3 { #expect(y[0, 0, channel] == qkv[0, 0, 6 + channel]) }
  }
}

extension SharedPoolTests {
  @Suite struct CausalRowIndependenceTests {
    @Test(arguments: 1...4) func rowsDontDependOnBatchOrThreads(threads: Int) {
      let qkv = randomTensor([5, 77, 3 * 48], seed: 4, spread: 2)
      let whole = SharedPoolTests.withThreads(1) { qkv.causalSelfAttention(heads: 3) }
      SharedPoolTests.withThreads(threads) {
        for sequence in 0..<5 {
          let range = sequence..<sequence + 1
          expectSameBits(
            qkv.slice(range).causalSelfAttention(heads: 3), whole.slice(range), "sequence \(sequence), \(threads) threads")
        }
      }
    }
  }
}
