import CKernels

/// The elementwise functions of these networks.
public enum Activation: String, Sendable, CaseIterable {
  case identity
  /// x σ(x), the autoencoder's.
  case silu
  /// x Φ(x), in the exact form with erf.
  case gelu
  /// x σ(1.702 x), called GELU2 in the public checkpoints.
  case quickGELU

  var kernel: vqd_activation {
    switch self {
    case .identity: VQD_IDENTITY
    case .silu: VQD_SILU
    case .gelu: VQD_GELU
    case .quickGELU: VQD_QUICK_GELU
    }
  }
}

extension FloatTensor {
  /// y = activation(x), element by element.
  public func applying(_ activation: Activation) -> FloatTensor {
    defer { keepAlive(self) }
    return FloatTensor(uninitialized: shape) { y in
      parallelForChunks(of: count, grain: 1 << 15) { [y = SharedPointer(y)] range in
        let target = y + range.lowerBound
        target.update(from: base + range.lowerBound, count: range.count)
        vqd_bias_activation(target, 1, range.count, range.count, nil, activation.kernel)
      }
    }
  }
}

/// Runs `body` over consecutive ranges of at most `grain` that cover 0..<count.
package func parallelForChunks(of count: Int, grain: Int, _ body: @Sendable (Range<Int>) -> Void) {
  ThreadPool.shared.parallelFor((count + grain - 1) / grain) { chunk in
    body(chunk * grain..<min((chunk + 1) * grain, count))
  }
}
