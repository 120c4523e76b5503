import Checkpoint
import Tensor
import TestSupport
import Testing

/// The comparison that other tests rely on rejects what it must.
@Suite struct ClosenessTests {
  private let expected = FloatTensor([1, -2, 3, -4, 5, -6], shape: [2, 3])

  private func isClose(_ actual: some Numbers, _ expected: some Numbers, _ absolute: Double, relative: Double = 0) -> Bool {
    Closeness(actual, expected, absolute: absolute, relative: relative).isClose
  }

  private func isClose(_ actual: [Double], _ expected: [Double], _ absolute: Double, relative: Double = 0) -> Bool {
    Closeness(actual, expected, absolute: absolute, relative: relative).isClose
  }

  @Test func equalAndNearbyValuesPass() {
    #expect(isClose(expected, expected, 0))
    #expect(isClose(expected.values, expected.values, 0))
    #expect(isClose(expected, expected.values, 0))
    #expect(isClose([1.25, -2], [1.0, -2], 0.25))
    #expect(isClose([101.0], [100.0], 0, relative: 0.01))
    expectClose(expected, expected, absolute: 0)
  }

  @Test func differencesBeyondTheToleranceFail() {
    #expect(!isClose([1.2500001, -2], [1.0, -2], 0.25))
    #expect(!isClose([101.1], [100.0], 0, relative: 0.01))
    // Relative to the expected value, not to what was found.
    #expect(!isClose([100.0], [1.0], 0, relative: 0.99))
    #expect(!isClose([1.0], [1.5], 0, relative: 0.25))
  }

  @Test func zerosFail() {
    #expect(!isClose(FloatTensor(zeros: [2, 3]), expected, 1e-5, relative: 1e-3))
  }

  @Test func notANumberFailsEvenAgainstItself() {
    #expect(!isClose([.nan], [1], .infinity))
    #expect(!isClose([1], [.nan], .infinity))
    #expect(!isClose([.nan], [.nan], .infinity))
    #expect(!isClose([1.0], [2.0], .nan))
  }

  @Test func infinitiesEqualOnlyThemselves() {
    #expect(isClose([.infinity, -.infinity], [.infinity, -.infinity], 0))
    #expect(!isClose([.infinity], [-.infinity], 1e9, relative: 1))
    #expect(!isClose([.infinity], [3], 1e9, relative: 1))
    #expect(!isClose([3], [.infinity], 1e9, relative: 1))
  }

  @Test func aTransposedInputFails() {
    let square = FloatTensor([1, 2, 3, 4], shape: [2, 2])
    let transposed = FloatTensor([1, 3, 2, 4], shape: [2, 2])
    // Means and norms are the same.
    #expect(!isClose(transposed, square, 0.5))
  }

  @Test func otherShapesAndEmptinessFail() {
    #expect(!isClose(expected.reshaped([3, 2]), expected, 100))
    #expect(!isClose([1.0], [1.0, 1.0], 100))
    #expect(!isClose([], [], 100))
  }

  @Test func theWorstElementIsReported() {
    let actual = FloatTensor([1, -2.5, 3, -4, 5, -7], shape: [2, 3])
    let verdict = Closeness(actual, expected, absolute: 0.25)
    #expect(
      verdict.description == "2 of 6 elements differ by more than 0.25 + 0.0·|expected|; "
        + "worst at [1, 2]: expected -6.0, found -7.0, difference 1.0")
    #expect(Closeness(expected.reshaped([6]), expected, absolute: 0).description == "expected shape [2, 3], found [6]")
  }

  @Test func aFailureIsRecordedAtTheCallersLine() {
    let line = #line + 2
    withKnownIssue {
      expectClose(FloatTensor(zeros: [2, 3]), expected, absolute: 1e-5)
    } matching: { issue in
      issue.sourceLocation?.line == line && issue.sourceLocation?.fileID == #fileID
    }
  }
}
