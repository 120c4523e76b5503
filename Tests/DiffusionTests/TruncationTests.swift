import Diffusion
import Foundation
import Testing

@Suite struct TruncationTests {
  private func truncated(_ truncation: Truncation, _ p: [Float]) -> (p: [Float], logs: [Float]) {
    var (kept, logs, scratch) = (p, p.map { log($0) }, p)
    truncation.apply(logProbabilities: &logs, probabilities: &kept, scratch: &scratch, count: p.count)
    return (kept, logs)
  }

  /// How many stay, by sorting and adding up.
  private func bruteForce(_ truncation: Truncation, _ p: [Float]) -> Int {
    switch truncation {
    case .none: return p.count
    case .topCodes(let count): return min(count, p.count)
    case .nucleus(let r):
      guard r < 1 else { return p.count }
      var (before, kept) = (0.0, 0)
      for value in p.sorted(by: >) where before < r {
        before += Double(value)
        kept += 1
      }
      return kept
    }
  }

  @Test(arguments: [0.01, 0.3, 0.86, 0.94, 0.999, 1], [1, 2, 3, 17, 512])
  func nucleusEqualsSorting(r: Double, codes: Int) {
    expectBruteForce(.nucleus(r), codes: codes)
  }

  @Test(arguments: [1, 2, 5, 50, 600], [1, 2, 3, 17, 512]) func topCodesEqualsSorting(count: Int, codes: Int) {
    expectBruteForce(.topCodes(count), codes: codes)
  }

  private func expectBruteForce(_ truncation: Truncation, codes: Int) {
    var uniforms = Uniforms(seed: UInt64(codes))
    for sharpness in [0, 0.01, 1, 5, 20] {
      for _ in 0..<20 {
        let p = uniforms.distribution(codes, sharpness: sharpness).map { Float($0) }
        let (kept, logs) = truncated(truncation, p)
        let stay = bruteForce(truncation, p)
        #expect(kept.filter { $0 > 0 }.sorted() == p.sorted().suffix(stay), "\(truncation), sharpness \(sharpness)")
        #expect(p.indices.allSatisfy { kept[$0] == p[$0] ? logs[$0] == log(p[$0]) : kept[$0] == 0 && logs[$0] == -.infinity })
      }
    }
  }

  @Test func theLimitIsStrict() {
    // 0.5 stands before the third code: not below 0.5.
    #expect(truncated(.nucleus(0.5), [0.25, 0.125, 0.25, 0.25, 0.125]).p == [0.25, 0, 0.25, 0, 0])
    #expect(truncated(.nucleus(0.51), [0.25, 0.125, 0.25, 0.25, 0.125]).p == [0.25, 0, 0.25, 0.25, 0])
    #expect(truncated(.nucleus(1e-9), [0.25, 0.5, 0.25]).p == [0, 0.5, 0])
  }

  @Test func settingsAreChecked() {
    #expect(throws: DiffusionError.nucleus(found: 0)) { try Truncation.nucleus(0).validate() }
    #expect(throws: DiffusionError.nucleus(found: 1.5)) { try Truncation.nucleus(1.5).validate() }
    #expect(throws: DiffusionError.self) { try Truncation.nucleus(.nan).validate() }
    #expect(throws: DiffusionError.topCodes(found: 0)) { try Truncation.topCodes(0).validate() }
    #expect(throws: Never.self) { try Truncation.nucleus(1).validate() }
    #expect(Truncation.nucleus(0.9).description == "nucleus 0.9")
    #expect(Truncation.topCodes(50).description == "top 50 codes")
  }
}
