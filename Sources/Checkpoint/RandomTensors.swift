import Tensor

/// Tensors of any name and shape, made when they are asked for: a model's architecture without its file, for benchmarks.
///
/// A tensor follows from the seed, its name and its shape alone. Weights of matrices and convolutions are uniform with variance
/// 1 / fan-in, so that activations keep their size through the layers; other weights (the norms') lie near 1, biases near 0.
struct RandomTensors: Sendable {
  let seed: UInt64

  func tensor(_ name: String, _ shape: [Int]) -> FloatTensor {
    let key = Self.hash(name, seed)
    let (centre, spread) = Self.range(name, shape)
    let count = shape.reduce(1, *)
    let grain = 1 << 16
    return FloatTensor(uninitialized: shape) { target in
      ThreadPool.shared.parallelFor((count + grain - 1) / grain) { [target = SharedPointer(target)] chunk in
        Self.fill(target.pointer, chunk * grain..<min((chunk + 1) * grain, count), key: key, centre: centre, spread: spread)
      }
    }
  }

  /// A uniform distribution of variance v has half the width √(3 v).
  private static func range(_ name: String, _ shape: [Int]) -> (centre: Float, spread: Float) {
    if name.hasSuffix("bias") { return (0, 0.02) }
    guard shape.count > 1 else { return (1, 0.1) }
    return (0, (3 / Float(max(1, shape.dropFirst().reduce(1, *)))).squareRoot())
  }

  /// centre ± spread · u, u uniform in −1…1 from a hash of the element's number ("lowbias32" by Chris Wellons): a plain loop that the
  /// compiler vectorises, much cheaper than Philox for hundreds of millions of elements.
  private static func fill(
    _ target: UnsafeMutablePointer<Float>, _ range: Range<Int>, key: UInt32, centre: Float, spread: Float
  ) {
    let step = spread * 0x1p-31
    for index in range {
      var x = UInt32(truncatingIfNeeded: index) &+ key
      x ^= x &>> 16
      x = x &* 0x7feb_352d
      x ^= x &>> 15
      x = x &* 0x846c_a68b
      x ^= x &>> 16
      target[index] = centre + Float(Int32(bitPattern: x)) * step
    }
  }

  /// FNV-1a over the name's bytes, then the seed's.
  private static func hash(_ name: String, _ seed: UInt64) -> UInt32 {
    let seedBytes = (0..<8).map { UInt8(truncatingIfNeeded: seed &>> (8 * UInt64($0))) }
    return (Array(name.utf8) + seedBytes).reduce(0x811c_9dc5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
  }
}
