import Tensor
import TestSupport
import Testing
import TrainingCore

@Suite struct KMeansTests {
  /// `count` points around each of `centres` far apart, in turn, in 5 dimensions.
  private func blobs(_ centres: Int, each count: Int) -> FloatTensor {
    let philox = Philox(seed: 11)
    return FloatTensor(uninitialized: [centres * count, 5]) { target in
      for row in 0..<centres * count {
        for column in 0..<5 {
          let centre = philox.uniform([UInt32(row % centres), UInt32(column), 1, 0]) * 100
          let noise = philox.uniform([UInt32(row), UInt32(column), 2, 0]) - 0.5
          target[row * 5 + column] = Float(centre + noise)
        }
      }
    }
  }

  @Test func separateBlobsBecomeClusters() throws {
    let latents = blobs(17, each: 37)
    let clusters = try KMeans(latents, codes: 17, seed: 1)
    #expect(clusters.counts == Array(repeating: 37, count: 17))
    for row in 0..<latents.shape[0] { #expect(clusters.tokens[row] == clusters.tokens[row % 17]) }
    for blob in 0..<17 {
      let mean = (0..<5).map { column in
        (0..<37).reduce(0.0) { $0 + Double(latents[blob + 17 * $1, column]) } / 37
      }
      expectClose((0..<5).map { clusters.codes[Int(clusters.tokens[blob]), $0] }, mean.map { Float($0) }, absolute: 1e-4)
    }
  }

  @Test func everyIterationBringsLatentsNearer() throws {
    let latents = FloatTensor((0..<3001).map { Float(Philox(seed: 4).uniform([UInt32($0), 0, 0, 0])) }, shape: [3001, 1])
    let means = try (0..<6).map { iterations in
      try KMeans(latents, codes: 23, seed: 2, settings: .init(iterations: iterations, tolerance: 0)).meanSquaredDistance
    }
    for (earlier, later) in zip(means, means.dropFirst()) { #expect(later < earlier) }
    let end = try KMeans(latents, codes: 23, seed: 2)
    #expect(end.counts.allSatisfy { $0 > 0 } && end.counts.reduce(0, +) == 3001)
    // 23 equal intervals of a uniform distribution have 1/(12·23²); seeds alone are far from it.
    #expect(end.meanSquaredDistance < 1.2 / (12 * 23 * 23))
    // Each latent's code is the nearest one, found the slow way.
    for row in stride(from: 0, to: 3001, by: 7) {
      let distances = (0..<23).map { abs(end.codes[$0, 0] - latents[row, 0]) }
      #expect(distances[Int(end.tokens[row])] <= (distances.min() ?? 0) + 1e-6)
    }
  }

  @Test func clustersFollowFromTheSeedAlone() throws {
    let latents = blobs(40, each: 9)
    let settings = KMeans.Settings(iterations: 3, seedingLatents: 100)
    let clusters = try KMeans(latents, codes: 12, seed: 1, settings: settings)
    let threads = ThreadPool.shared.threadCount
    ThreadPool.shared.setThreadCount(threads == 1 ? 3 : 1)
    defer { ThreadPool.shared.setThreadCount(threads) }
    let again = try KMeans(latents, codes: 12, seed: 1, settings: settings)
    #expect(clusters.codes.values == again.codes.values && clusters.tokens == again.tokens)
    #expect(try KMeans(latents, codes: 12, seed: 2, settings: settings).codes.values != clusters.codes.values)
  }

  @Test func fewDifferentLatentsLeaveCodesEmpty() throws {
    let latents = FloatTensor((0..<40).map { Float($0 % 4) }, shape: [20, 2])
    let clusters = try KMeans(latents, codes: 5, seed: 3)
    #expect(clusters.meanSquaredDistance == 0)
    #expect(clusters.counts.sorted() == [0, 0, 0, 10, 10])
    #expect(throws: TrainingError.tooFewLatents(expected: 21, found: 20)) { try KMeans(latents, codes: 21, seed: 3) }
    var broken = latents
    broken[3, 1] = .nan
    #expect(throws: TrainingError.self) { try KMeans(broken, codes: 2, seed: 3) }
    #expect(try KMeans(latents, codes: 1, seed: 3).codes.values == [1, 2])
  }
}
