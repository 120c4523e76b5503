import Tensor

/// [B, C, L] as [B, L, C].
package func transposed(_ x: FloatTensor) -> FloatTensor {
  let (channels, length) = (x.shape[1], x.shape[2])
  return FloatTensor(uninitialized: [x.shape[0], length, channels]) { values in
    for i in 0..<x.count { values[i] = x[i / channels / length, i % channels, i / channels % length] }
  }
}

/// [B, C, H, W] as [B, H, W, C].
package func nhwc(_ x: FloatTensor) -> FloatTensor {
  transposed(x.reshaped([x.shape[0], x.shape[1], x.shape[2] * x.shape[3]])).reshaped([
    x.shape[0], x.shape[2], x.shape[3], x.shape[1],
  ])
}
