import Tensor
import Testing

/// Known answers of Random123's `kat_vectors` for philox4x32-10.
@Suite struct PhiloxTests {
  @Test func knownAnswers() {
    let zero = Philox(key: (0, 0)).words(SIMD4(0, 0, 0, 0))
    #expect(zero == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    let ones = Philox(key: (.max, .max)).words(SIMD4(repeating: .max))
    #expect(ones == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    let pi = Philox(key: (0xa409_3822, 0x299f_31d0)).words(SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344))
    #expect(pi == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func copiesGiveTheSameNumbers() {
    let first = Philox(seed: 7)
    let second = first
    _ = first.uniform(SIMD4(9, 9, 9, 9))
    #expect(first.uniform(SIMD4(1, 2, 3, 4)) == second.uniform(SIMD4(1, 2, 3, 4)))
  }

  @Test func uniformsFillTheOpenUnitInterval() {
    let philox = Philox(seed: 3)
    let draws = (0..<20_000).map { philox.uniform(SIMD4(UInt32($0), 0, 0, 0)) }
    #expect(draws.allSatisfy { $0 > 0 && $0 < 1 })
    #expect(abs(draws.reduce(0, +) / 20_000 - 0.5) < 0.01)
  }
}
