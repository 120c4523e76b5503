import Diffusion
import Foundation
import TestSupport
import Testing

@Suite struct PredictionTests {
  @Test func guidanceWithinAThousandthOfOneIsNone() throws {
    #expect(try !Guidance(scale: 1.0009, unconditional: 0).isActive)
    #expect(try !Guidance(scale: 0.9991, unconditional: 0).isActive)
    #expect(try Guidance(scale: 1.002, unconditional: 0).isActive)
    for bad in [-1, 10_001, .infinity] {
      #expect(throws: DiffusionError.guidanceScale(largest: 10_000, found: bad)) {
        try Guidance(scale: bad, unconditional: 0)
      }
    }
    #expect(throws: DiffusionError.self) { try Guidance(scale: .nan, unconditional: 0) }
  }

  @Test func theLargestGuidanceStaysFinite() throws {
    for truncation in [Truncation.none, .nucleus(0.9), .topCodes(2)] {
      withPrediction([0, -90, 3, 2], [-50, 0, 3, -1], Guidance<Int>.largestScale, truncation, codes: 4) { prediction in
        let p = prediction.probabilities(at: 0)
        #expect((0..<4).map { p[$0] } == [1, 0, 0, 0])
      }
    }
  }

  @Test func codesThatNobodyPredictsDoNotWinByGuidance() {
    // The second code is hopeless for both, though far less so for the conditional one.
    withPrediction([0, -200, -1], [0, -1000, -1], 5, .none, codes: 3) { prediction in
      let p = prediction.probabilities(at: 0)
      #expect(p[1] < 1e-20)
      expectClose([p[0] + p[2]], [Float(1)], absolute: 1e-6)
    }
  }

  @Test func purityIsTheLargestProbability() {
    var uniforms = Uniforms(seed: 9)
    for codes in [1, 3, 8, 33] {
      let logits = (0..<codes).map { _ in Float(6 * uniforms.next()) }
      let largest = exp(logits.max()!) / logits.map { exp($0) }.reduce(0, +)
      for truncation in [Truncation.none, .nucleus(0.5), .topCodes(1)] {
        withPrediction(logits, nil, 1, truncation, codes: codes) {
          expectClose([$0.purity(at: 0)], [largest], absolute: 1e-6)
        }
      }
    }
  }

  @Test(arguments: [Float(1), 1.5, 3, 40]) func sharpeningIsAPower(exponent: Float) {
    let logits: [Float] = [0.3, -2, 1.7, 0.1, -30]
    withPrediction(logits, nil, 1, .topCodes(4), codes: 5) { prediction in
      let row = prediction.sharpenedProbabilities(at: 0, exponent: exponent)
      expectClose((0..<5).map { row[$0] }, logits.map { $0 == -30 ? 0 : exp(exponent * ($0 - 1.7)) }, absolute: 1e-6)
    }
  }
}

/// Runs `body` with the prediction of a table of logits [L, K].
func withPrediction(
  _ logits: [Float], _ unconditional: [Float]?, _ scale: Double, _ truncation: Truncation, codes: Int,
  body: (Prediction) -> Void
) {
  logits.withUnsafeBufferPointer { logits in
    (unconditional ?? []).withUnsafeBufferPointer { free in
      body(
        Prediction(
          logits: LogitsRows(logits.baseAddress!), unconditional: unconditional == nil ? nil : LogitsRows(free.baseAddress!),
          guidanceScale: scale, settings: SamplingSettings(method: .ancestral, steps: 1, truncation: truncation), codes: codes))
    }
  }
}
