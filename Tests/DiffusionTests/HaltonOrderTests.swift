import Diffusion
import Testing

@Suite struct HaltonOrderTests {
  /// Φ_b(i) for i = 0…8, as fractions of 27 or 16.
  @Test func radicalInversesMirrorTheDigits() {
    #expect((0...8).map { HaltonSampler.scaledInverse($0, base: 2, by: 16) } == [0, 8, 4, 12, 2, 10, 6, 14, 1])
    #expect((0...8).map { HaltonSampler.scaledInverse($0, base: 3, by: 27) } == [0, 9, 18, 3, 12, 21, 6, 15, 24])
    #expect((0...8).map { HaltonSampler.scaledInverse($0, base: 3, by: 5) } == [0, 1, 3, 0, 2, 3, 1, 2, 4])
  }

  /// With sides 2^a and 3^b every cell comes exactly once in 2^a 3^b steps, so none is skipped; a rounded Φ would miss some.
  @Test(arguments: [(2, 3), (4, 9), (8, 27), (16, 81)]) func noCellOfAFullPeriodIsSkipped(rows: Int, columns: Int) {
    let order = HaltonSampler.order(rows: rows, columns: columns)
    let cells = (0..<rows * columns).map { (i: Int) -> Int in
      HaltonSampler.scaledInverse(i, base: 2, by: rows) * columns + HaltonSampler.scaledInverse(i, base: 3, by: columns)
    }
    #expect(order == cells && Set(cells).count == rows * columns)
  }

  @Test(arguments: [(1, 1), (1, 3), (3, 1), (5, 7), (3, 9), (16, 16), (32, 32)])
  func theOrderHoldsEveryCellOnce(rows: Int, columns: Int) {
    let order = HaltonSampler.order(rows: rows, columns: columns)
    #expect(order.sorted() == Array(0..<rows * columns))
  }

  /// A sequence has no rows and columns to spread the tokens over.
  @Test func aSequenceIsRefused() throws {
    let corruption = try AbsorbingCorruption(timesteps: 8, codes: 3)
    let error = #expect(throws: DiffusionError.needsGrid(sampler: "halton", found: .sequence(length: 6))) {
      try SamplingMethod.halton.sampler(SamplingPlan(corruption, length: 6, steps: 2))
    }
    let message =
      "halton sampling needs tokens in rows and columns, but the model has a sequence of 6 tokens; use another sampler"
    #expect(error?.description == message)
    #expect(
      try SamplingMethod.halton.sampler(SamplingPlan(corruption, layout: .grid(rows: 2, columns: 3), steps: 2)).length == 6)
    for method in SamplingMethod.all where method != .halton {
      #expect(throws: Never.self) { try method.sampler(SamplingPlan(corruption, length: 6, steps: 4)) }
    }
  }

  @Test func smallOrdersAreThoseByHand() {
    // Φ_2 = 0, 1/2, 1/4, 3/4, 1/8, 5/8, 3/8 and Φ_3 = 0, 1/3, 2/3, 1/9, 4/9, 7/9, 2/9: cells (0, 0), (1, 0), (0, 1), (1, 0),
    // (0, 0), (1, 1).
    #expect(HaltonSampler.order(rows: 2, columns: 2) == [0, 2, 1, 3])
    #expect(HaltonSampler.order(rows: 1, columns: 3) == [0, 1, 2])
    #expect(HaltonSampler.order(rows: 3, columns: 1) == [0, 1, 2])
    // Φ_3(5) = 7/9 is the eighth of nine columns: what 0.777… · 9 rounds to decides.
    #expect(HaltonSampler.scaledInverse(5, base: 3, by: 9) == 7)
  }
}
