import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import TrainingCore

@Suite struct CodebookAverageTests {
  @Test func deadCodesBecomeLatentsOfTheBatch() throws {
    // All latents go to code 1; codes 0 and 2 die.
    let codes = FloatTensor([9, 9, 0, 0, -9, 9], shape: [3, 2])
    var average = try CodebookAverage(.init(decay: 0.5), codes: codes)
    let batch = FloatTensor((0..<14).map { Float($0) / 14 - 0.5 }, shape: [7, 2])
    let noise = TrainingNoise(seed: 2)
    #expect(try average.restartDeadCodes(below: 0.01, from: batch, noise: noise, iteration: 0) == [])
    for _ in 0..<12 { #expect(try average.update(batch).counts == [0, 7, 0]) }
    let kept = (0..<2).map { average.codes[1, $0] }
    var again = average
    #expect(try average.restartDeadCodes(below: 0.01, from: batch, noise: noise, iteration: 3) == [0, 2])
    let rows = (0..<7).map { [batch[$0, 0], batch[$0, 1]] }
    let (first, third) = ([average.codes[0, 0], average.codes[0, 1]], [average.codes[2, 0], average.codes[2, 1]])
    #expect(rows.contains(first) && rows.contains(third) && first != third)
    #expect((0..<2).map { average.codes[1, $0] } == kept)
    expectClose([average.sizes[0], average.sizes[2]], [7.0 / 3, 7.0 / 3], absolute: 1e-6)
    expectClose([average.sums[0, 0]], [first[0] * 7 / 3], absolute: 1e-6)
    #expect(try average.restartDeadCodes(below: 0.01, from: batch, noise: noise, iteration: 4) == [])
    try again.restartDeadCodes(below: 0.01, from: batch, noise: noise, iteration: 3)
    #expect(again.codes.values == average.codes.values)
    // More dead codes than latents.
    var many = try CodebookAverage(.init(), codes: FloatTensor(Array(repeating: 1, count: 5), shape: [5, 1]))
    _ = try many.update(FloatTensor(Array(repeating: 1, count: 900), shape: [900, 1]))
    let two = FloatTensor(Array(repeating: 3, count: 2), shape: [2, 1])
    for _ in 0..<3000 { _ = try many.update(two) }
    #expect(try many.restartDeadCodes(below: 0.5, from: two, noise: noise, iteration: 0).count == 2)
  }

  @Test func savedAverageGoesOnBitByBit() throws {
    var average = try CodebookAverage(.init(distance: .cosine), codes: FloatTensor([1, 2, -1, 3, 0, 0], shape: [3, 2]))
    let batch = FloatTensor([0.3, 1, -2, 0.5, 0, 0, 1, 1], shape: [4, 2])
    _ = try average.update(batch)
    let source = try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("codebook.safetensors")
      try SafetensorsFile.write(average.stored(prefix: "quantize."), to: file)
      return try SafetensorsFile(file)
    }
    var restored = try CodebookAverage(average.settings, WeightLoader(source).scope("quantize"), codes: 3, dimension: 2)
    #expect(try restored.update(batch).tokens == average.update(batch).tokens)
    #expect(restored.codes.values == average.codes.values && restored.sizes.values == average.sizes.values)
    #expect(restored.codes.values.allSatisfy { $0.isFinite })
  }

  @Test func badLatentsLeaveTheCodebookAsItWas() throws {
    var average = try CodebookAverage(.init(), codes: FloatTensor([1, 2, -1, 3], shape: [2, 2]))
    #expect(throws: TrainingError.notFinite(what: "latents", row: 1, column: 0, found: .infinity)) {
      try average.update(FloatTensor([1, 2, .infinity, 3], shape: [2, 2]))
    }
    #expect(throws: TrainingError.tooFewLatents(expected: 1, found: 0)) { try average.update(FloatTensor(zeros: [0, 2])) }
    #expect(average.codes.values == [1, 2, -1, 3] && average.sizes.values == [1, 1])
    #expect(throws: TrainingError.self) { try CodebookAverage(.init(decay: 1.5), codes: FloatTensor(zeros: [1, 1])) }
  }

  /// Codes that begin as clusters are as large as their share of a batch, so that none is dead at once, whatever the batch.
  @Test func clustersOutliveTheFirstUpdate() throws {
    let count = 640
    let rows = (0..<count).flatMap { row -> [Float] in
      let (centre, first, second) = (Float(row % 5), Float(row % 7), Float(row % 3))
      return [centre + first / 100, second / 100]
    }
    let latents = FloatTensor(rows, shape: [count, 2])
    let clusters = try KMeans(latents, codes: 5, seed: 1)
    var average = try CodebookAverage(
      CodebookAverage.Settings(decay: 0.99), codes: clusters.codes, sizes: clusters.counts.map(Float.init))
    let update = try average.update(latents)
    let restarted = try average.restartDeadCodes(below: 0.5, from: update.latents, noise: TrainingNoise(seed: 2), iteration: 0)
    #expect(restarted.isEmpty)
    // Batches as the clusters were: sizes and codes stay.
    expectClose(average.sizes, clusters.counts.map(Double.init), absolute: 1e-3)
    expectClose(average.codes, clusters.codes.values.map(Double.init), absolute: 1e-4)
  }
}
