/// The counter-based random function Philox 4×32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
///
/// The same key and counter always give the same four words, whatever was asked before: a draw can be named by what it is
/// for (seed, image, step, position, purpose), so it doesn't depend on the batch or the order of evaluation.
public struct Philox: Sendable {
  public var key: (UInt32, UInt32)

  public init(key: (UInt32, UInt32)) { self.key = key }

  public init(seed: UInt64) { key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)) }

  /// Four random words for a counter: ten rounds of two 32×32→64-bit multiplications.
  public func words(_ counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
    var (x0, x1, x2, x3) = (counter[0], counter[1], counter[2], counter[3])
    var (k0, k1) = key
    for _ in 0..<10 {
      let p0 = UInt64(x0) &* 0xD251_1F53
      let p1 = UInt64(x2) &* 0xCD9E_8D57
      (x0, x1, x2, x3) = (
        UInt32(truncatingIfNeeded: p1 >> 32) ^ x1 ^ k0, UInt32(truncatingIfNeeded: p1),
        UInt32(truncatingIfNeeded: p0 >> 32) ^ x3 ^ k1, UInt32(truncatingIfNeeded: p0)
      )
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return SIMD4(x0, x1, x2, x3)
  }

  /// A uniform number strictly between 0 and 1, with 52 random bits, for a counter.
  public func uniform(_ counter: SIMD4<UInt32>) -> Double {
    let w = words(counter)
    let bits = (UInt64(w[0]) << 32 | UInt64(w[1])) >> 12
    return (Double(bits) + 0.5) * 0x1p-52
  }
}
