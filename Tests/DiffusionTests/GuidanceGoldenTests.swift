import Diffusion
import Foundation
import Tensor
import TestSupport
import Testing

/// The recorded predictions of the public code after guidance and truncation.
@Suite struct GuidanceGoldenTests {
  private let golden: GoldenCase
  private let batch: Int
  private let codes: Int
  private let length: Int

  init() throws {
    golden = try GoldenCase("guidance")
    batch = try golden.params.int("batch")
    codes = try golden.params.int("codebook_size")
    length = try golden.params.int("sequence_length")
  }

  /// "top0.86r" or "top5p".
  private func truncation(_ type: String) throws -> Truncation {
    let number = type.dropFirst("top".count).dropLast()
    return type.hasSuffix("p") ? .topCodes(try #require(Int(number))) : .nucleus(try #require(Double(number)))
  }

  /// [B, K, L] of one batch item as [L, K].
  private func rows(_ tensor: FloatTensor, _ b: Int) -> [Float] {
    (0..<length).flatMap { position in (0..<codes).map { tensor[b, $0, position] } }
  }

  @Test func guidedPredictionsAreTheRecordedOnes() throws {
    let scales = try golden.params.doubles("guidance_scales")
    #expect(!scales.isEmpty)
    for scale in scales { try expectRecorded("guided.\(scale)", scale: scale, truncation: .none) }
  }

  @Test func truncatedPredictionsAreTheRecordedOnes() throws {
    let types = try golden.params.strings("truncations")
    #expect(!types.isEmpty)
    for scale in try golden.params.doubles("guidance_scales") {
      for type in types {
        try expectRecorded(
          "truncated.\(scale).\(type)", certain: "out.certain.\(scale).\(type)", scale: scale, truncation: truncation(type))
      }
    }
  }

  /// - Parameter certain: tensor that marks the entries to compare, if the case has it. Where a nucleus keeps nearly all of
  ///   the law, float32 sums decide which codes of the far tail stay.
  private func expectRecorded(
    _ output: String, certain: String? = nil, scale: Double, truncation: Truncation
  ) throws {
    let recorded = try golden.floats("out." + output)
    var isCertain: [Int]?
    if let certain, golden.tensors.shape(of: certain) != nil { isCertain = try golden.integers(certain) }
    let tolerance = try golden.tolerance(isCertain == nil ? output : "guided.\(scale)")
    let isGuided = try Guidance(scale: scale, unconditional: 0).isActive
    let (given, free) = (try golden.floats("in.log_p_conditional"), try golden.floats("in.log_p_unconditional"))
    for b in 0..<batch {
      let conditional = rows(given, b)
      withPrediction(conditional, isGuided ? rows(free, b) : nil, scale, truncation, codes: codes) { prediction in
        for position in 0..<length {
          let row = prediction.logProbabilities(at: position)
          let compared = (0..<codes).filter { isCertain?[(b * (codes + 1) + $0) * length + position] ?? 1 == 1 }
          let found = compared.map { min(max(Double(row[$0]), -70), 0) }
          // The recorded inputs sum to a little less than 1, and scale 1 passes them on as they are.
          let total = (0..<codes).reduce(0) { $0 + exp(Double(conditional[position * codes + $1])) }
          let shift = isGuided ? 0 : log(total)
          let expected = compared.map { Double(recorded[b, $0, position]) }.map { $0 == -70 ? -70 : $0 - shift }
          expectClose(found, expected, absolute: tolerance, output)
          let p = prediction.probabilities(at: position)
          expectClose((0..<codes).map { p[$0] }, (0..<codes).map { exp(row[$0]) }, absolute: 1e-6, output)
        }
      }
    }
  }
}
