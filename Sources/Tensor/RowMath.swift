import CKernels

/// Arithmetic on one contiguous row of `count` floats, for callers that have their own memory. In place where the two
/// pointers are equal; partly overlapping rows aren't allowed.
package enum RowMath {
  /// y = x − log Σ exp(x).
  package static func logSoftmax(_ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int) {
    vqd_log_softmax(x, y, 1, count)
  }

  /// y[i] = exp(x[i]); relative error below 2e-7, 0 below −87.3.
  package static func exp(_ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int) {
    vqd_exp(x, y, count)
  }

  /// Σ x[i] in double precision, in a fixed order.
  package static func sum(_ x: UnsafePointer<Float>, count: Int) -> Double {
    var (s0, s1, s2, s3) = (0.0, 0.0, 0.0, 0.0)
    var i = 0
    while i + 4 <= count {
      s0 += Double(x[i])
      s1 += Double(x[i + 1])
      s2 += Double(x[i + 2])
      s3 += Double(x[i + 3])
      i += 4
    }
    while i < count {
      s0 += Double(x[i])
      i += 1
    }
    return (s0 + s1) + (s2 + s3)
  }

  /// The largest element.
  package static func maximum(_ x: UnsafePointer<Float>, count: Int) -> Float {
    var lanes = SIMD8<Float>(repeating: -.infinity)
    var i = 0
    while i + 8 <= count {
      let chunk = UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<Float>.self)
      lanes.replace(with: chunk, where: chunk .> lanes)
      i += 8
    }
    var largest = lanes.max()
    while i < count {
      largest = Swift.max(largest, x[i])
      i += 1
    }
    return largest
  }

  /// Whether no element is infinite or NaN.
  package static func isFinite(_ x: UnsafePointer<Float>, count: Int) -> Bool {
    // 0·x is 0 for finite x only, and a NaN survives every addition.
    var lanes = SIMD8<Float>(repeating: 0)
    var i = 0
    while i + 8 <= count {
      lanes += UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<Float>.self) * 0
      i += 8
    }
    var rest = lanes.sum()
    while i < count {
      rest += x[i] * 0
      i += 1
    }
    return rest == 0
  }
}
