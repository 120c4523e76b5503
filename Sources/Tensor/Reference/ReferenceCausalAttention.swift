extension Reference {
  /// Causal self-attention of qkv [B, L, 3D]: what each token gets is what it gets as the last one of a sequence cut off behind it.
  package static func causalSelfAttention(_ qkv: FloatTensor, heads: Int) -> FloatTensor {
    let (batch, length, width) = (qkv.shape[0], qkv.shape[1], qkv.shape[2] / 3)
    var result = FloatTensor(zeros: [batch, length, width])
    for token in 0..<length {
      let beginning = tensor([batch, token + 1, 3 * width]) { Double(qkv[$0[0], $0[1], $0[2]]) }
      let attended = selfAttention(beginning, heads: heads)
      for sequence in 0..<batch {
        for column in 0..<width { result[sequence, token, column] = attended[sequence, token, column] }
      }
    }
    return result
  }
}
