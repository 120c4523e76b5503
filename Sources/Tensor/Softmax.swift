import CKernels

extension FloatTensor {
  /// exp(s x) / Σ exp(s x) over the last dimension, s > 0.
  public func softmax(scale: Float = 1) -> FloatTensor {
    let width = shape[shape.count - 1]
    precondition(width > 0 && scale > 0, "softmax of \(shape) scaled by \(scale)")
    var y = self
    let target = SharedPointer(y.mutableBase())
    parallelForChunks(of: count / width, grain: 64) { rows in
      vqd_softmax(target + rows.lowerBound * width, rows.count, width, width, scale)
    }
    return y
  }

  /// x − log Σ exp(x) over the last dimension.
  public func logSoftmax() -> FloatTensor {
    let width = shape[shape.count - 1]
    precondition(width > 0, "log softmax of \(shape)")
    defer { keepAlive(self) }
    return FloatTensor(uninitialized: shape) { y in
      parallelForChunks(of: count / width, grain: 64) { [y = SharedPointer(y)] rows in
        vqd_log_softmax(base + rows.lowerBound * width, y + rows.lowerBound * width, rows.count, width)
      }
    }
  }
}
