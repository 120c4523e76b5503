import CKernels
import Tensor
import Testing

/// The 16-bit conversions against their definitions, over all 65536 patterns.
@Suite struct HalfConversionTests {
  private typealias Widen = (UnsafePointer<UInt16>, UnsafeMutablePointer<Float>, Int) -> Void
  private typealias Narrow = (UnsafePointer<Float>, UnsafeMutablePointer<UInt16>, Int) -> Void

  private let patterns = Array(UInt16.min...UInt16.max)

  private func widen(_ values: [UInt16], _ convert: Widen) -> [Float] {
    var result = [Float](repeating: 0, count: values.count)
    convert(values, &result, values.count)
    return result
  }

  private func narrow(_ values: [Float], _ convert: Narrow) -> [UInt16] {
    var result = [UInt16](repeating: 0, count: values.count)
    convert(values, &result, values.count)
    return result
  }

  /// The value of a pattern with `mantissaBits`, an exponent in the bits between it and the sign; infinity as the next power.
  private func value(_ pattern: UInt16, mantissaBits: Int) -> Double {
    let exponentBits = 15 - mantissaBits
    let bias = 1 << (exponentBits - 1) - 1
    let magnitude = Int(pattern & 0x7fff)
    let (exponent, mantissa) = (magnitude >> mantissaBits, magnitude & (1 << mantissaBits - 1))
    let fraction = Double(mantissa) / Double(1 << mantissaBits) + (exponent == 0 ? 0 : 1)
    let result = Double(sign: .plus, exponent: max(exponent, 1) - bias, significand: 1) * fraction
    return pattern & 0x8000 == 0 ? result : -result
  }

  @Test(arguments: [10, 7]) func everyPatternWidensExactlyAndComesBack(mantissaBits: Int) {
    let (up, down): (Widen, Narrow) =
      mantissaBits == 10 ? (vqd_widen_f16, vqd_narrow_f16) : (vqd_widen_bf16, vqd_narrow_bf16)
    let infinity = (UInt16(0x7fff) >> mantissaBits) << mantissaBits
    let wide = widen(patterns, up)
    let back = narrow(wide, down)
    var wrong: [UInt16] = []
    for pattern in patterns {
      let (found, magnitude) = (wide[Int(pattern)], pattern & 0x7fff)
      let isRight =
        if magnitude > infinity {
          found.isNaN && back[Int(pattern)] & 0x7fff > infinity && back[Int(pattern)] >> 15 == pattern >> 15
        } else if magnitude == infinity {
          found == (pattern >> 15 == 0 ? Float.infinity : -Float.infinity) && back[Int(pattern)] == pattern
        } else {
          Double(found) == value(pattern, mantissaBits: mantissaBits) && back[Int(pattern)] == pattern
        }
      if !isRight { wrong.append(pattern) }
    }
    #expect(wrong.isEmpty)
  }

  /// Halfway between neighbours the even pattern wins, one step of a float to either side the nearer one.
  @Test(arguments: [10, 7]) func roundsToNearestEven(mantissaBits: Int) {
    let down: Narrow = mantissaBits == 10 ? vqd_narrow_f16 : vqd_narrow_bf16
    let infinity = (UInt16(0x7fff) >> mantissaBits) << mantissaBits
    let lower = Array(0..<infinity)
    let middles = lower.map { low -> Float in
      Float((value(low, mantissaBits: mantissaBits) + value(low + 1, mantissaBits: mantissaBits)) / 2)
    }
    #expect(narrow(middles, down) == lower.map { $0 + ($0 & 1) })
    #expect(narrow(middles.map(\.nextDown), down) == lower)
    #expect(narrow(middles.map(\.nextUp), down) == lower.map { $0 + 1 })
    #expect(narrow(middles.map { -$0 }, down) == lower.map { ($0 + ($0 & 1)) | 0x8000 })
  }

  @Test func extremesNarrowToInfinityOrZero() {
    let extremes: [Float] = [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .infinity, .leastNonzeroMagnitude, -0.0]
    #expect(narrow(extremes, vqd_narrow_f16) == [0x7c00, 0xfc00, 0x7c00, 0, 0x8000])
    #expect(narrow(extremes, vqd_narrow_bf16) == [0x7f80, 0xff80, 0x7f80, 0, 0x8000])
    // A NaN whose payload lies in the bits that are cut off stays a NaN.
    let nan = Float(bitPattern: 0x7f80_0001)
    #expect(narrow([nan], vqd_narrow_f16)[0] & 0x7fff > 0x7c00)
    #expect(narrow([nan], vqd_narrow_bf16)[0] & 0x7fff > 0x7f80)
  }

  #if !(os(macOS) && arch(x86_64))
    @Test func agreesWithTheStandardLibrary() {
      let philox = Philox(seed: 11)
      let floats = (0..<250_000).flatMap { block -> [Float] in
        let words = philox.words(SIMD4(UInt32(block), 0, 0, 0))
        // One word as it is, the others in or near the range of a half.
        return [
          Float(bitPattern: words.x), Float(bitPattern: words.y & 0x8fff_ffff | 0x3000_0000),
          Float(bitPattern: words.z % 0x1400_0000 + 0x3300_0000), Float(bitPattern: words.w % 0x0200_0000 + 0x4600_0000),
        ]
      }
      let found = narrow(floats, vqd_narrow_f16)
      let wrong = zip(floats, found).filter { !$0.isNaN && Float16($0).bitPattern != $1 }
      #expect(wrong.isEmpty)
      #expect(zip(widen(patterns, vqd_widen_f16), patterns).allSatisfy { $0.isNaN || $0 == Float(Float16(bitPattern: $1)) })
    }
  #endif

  @Test(arguments: [0, 1, 3, 7, 17, 31, 37]) func oddCountsTouchNothingBeyond(count: Int) {
    let halves = (0..<count).map { UInt16($0 * 857) }
    var floats = [Float](repeating: -7, count: count + 1)
    vqd_widen_f16(halves, &floats, count)
    #expect(floats.last == -7)
    #expect(floats.dropLast().elementsEqual(halves.map { Float(value($0, mantissaBits: 10)) }))
    var back = [UInt16](repeating: 0x1234, count: count + 1)
    vqd_narrow_f16(floats, &back, count)
    #expect(back == halves + [0x1234])
  }
}
