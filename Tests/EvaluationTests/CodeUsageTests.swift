import Evaluation
import TestSupport
import Testing

@Suite struct CodeUsageTests {
  @Test func countsCodes() throws {
    let usage = try CodeUsage(histogram: [0, 1, 9, 10, 11, 0, 0, 100])
    #expect(usage.codes == 8 && usage.used == 5 && usage.usedTenTimes == 3)
    #expect(usage.share == 5.0 / 8 && usage.shareTenTimes == 3.0 / 8)
  }

  @Test func perplexityOfKnownLaws() throws {
    expectClose([try CodeUsage(histogram: Array(repeating: 7, count: 13)).perplexity], [13], absolute: 1e-12)
    expectClose([try CodeUsage(histogram: [0, 5, 0]).perplexity], [1], absolute: 1e-15)
    // p = ½, ¼, ¼: 1.5 ln 2.
    expectClose([try CodeUsage(histogram: [2, 1, 0, 1]).perplexity], [2 * 2.0.squareRoot()], absolute: 1e-14)
  }

  @Test func refusesWhatCountsNothing() {
    #expect(throws: EvaluationError.histogram(expected: "a sum above 0", found: 0)) { try CodeUsage(histogram: [0, 0]) }
    #expect(throws: EvaluationError.histogram(expected: "a sum above 0", found: 0)) { try CodeUsage(histogram: []) }
    #expect(throws: EvaluationError.histogram(expected: "no negative counts", found: -2)) { try CodeUsage(histogram: [5, -2]) }
  }
}
