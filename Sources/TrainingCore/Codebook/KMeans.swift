import Foundation
import Tensor

/// Latents clustered into codes: k-means++ seeding (Arthur & Vassilvitskii 2007), then Lloyd's iterations (Lloyd 1982).
///
/// It begins codebooks, and reduces one for ReFiT (Hu et al. 2021, "Global Context with Discrete Diffusion in Vector Quantised
/// Modelling for Image Generation", Sec. 3.3), where the encoded training set is clustered into fewer codes. The same latents and seed
/// give the same clusters with any number of threads.
package struct KMeans: Sendable {
  package struct Settings: Sendable, Codable, Equatable {
    /// The most of Lloyd's iterations.
    package var iterations: Int
    /// The iterations end once the mean squared distance falls by less than this share.
    package var tolerance: Double
    /// The most latents, drawn at random, among which the seeding chooses: it looks at all of them for every code.
    package var seedingLatents: Int

    package init(iterations: Int = 50, tolerance: Double = 1e-4, seedingLatents: Int = 1 << 16) {
      (self.iterations, self.tolerance, self.seedingLatents) = (iterations, tolerance, seedingLatents)
    }
  }

  /// [K, D]
  package let codes: FloatTensor
  /// The code of each latent, [N].
  package let tokens: [Int32]
  /// How many latents each code has, [K].
  package let counts: [Int]
  /// The mean of |z − e|² over the latents.
  package let meanSquaredDistance: Double
  /// Lloyd's iterations that were made.
  package let iterations: Int

  /// Clusters latents [N, D] into K codes. A code that loses all its latents gets the one that is farthest from its own code;
  /// codes stay without latents only where there are fewer different latents than codes.
  ///
  /// - Throws: `TrainingError.tooFewLatents` if N < K, `.notFinite`, `.setting`.
  package init(
    _ latents: FloatTensor, codes count: Int, seed: UInt64, settings: Settings = Settings()
  ) throws(TrainingError) {
    precondition(latents.shape.count == 2 && latents.shape[1] > 0 && count > 0, "\(count) codes of latents \(latents.shape)")
    try TrainingError.require("k-means' iterations", Double(settings.iterations), "0 or more") { $0 >= 0 }
    try TrainingError.require("k-means' tolerance", settings.tolerance, "0 or more") { $0 >= 0 }
    guard latents.shape[0] >= count else { throw .tooFewLatents(expected: count, found: latents.shape[0]) }
    try latents.requireFinite("latents")
    var codes = Self.seeds(latents, count, TrainingNoise(seed: seed), settings)
    var assigned = LatentCodes(latents, codes: codes, distance: .euclidean)
    var distances = assigned.squaredDistances(to: codes)
    var (mean, made) = (Self.mean(distances), 0)
    while made < settings.iterations && mean > 0 {
      codes = Self.centres(of: assigned, codes, distances)
      assigned = LatentCodes(latents, codes: codes, distance: .euclidean)
      distances = assigned.squaredDistances(to: codes)
      made += 1
      let fall = mean - Self.mean(distances)
      mean = Self.mean(distances)
      if fall <= settings.tolerance * mean { break }
    }
    (self.codes, tokens, counts) = (codes, assigned.tokens, assigned.sums(codes: count).counts)
    (meanSquaredDistance, iterations) = (mean, made)
  }

  private static func mean(_ distances: [Double]) -> Double { distances.reduce(0, +) / Double(distances.count) }

  /// The means of each code's latents; codes without any get those farthest from their codes, each another.
  private static func centres(of assigned: LatentCodes, _ codes: FloatTensor, _ distances: [Double]) -> FloatTensor {
    let (count, width) = (codes.shape[0], codes.shape[1])
    let (counts, sums) = assigned.sums(codes: count)
    var centres = codes
    centres.withUnsafeMutableBufferPointer { centres in
      for place in centres.indices where counts[place / width] > 0 {
        centres[place] = Float(sums[place] / Double(counts[place / width]))
      }
    }
    let empty = counts.indices.filter { counts[$0] == 0 }
    guard !empty.isEmpty else { return centres }
    let farthest = distances.indices.filter { distances[$0] > 0 }.sorted { (-distances[$0], $0) < (-distances[$1], $1) }
    for (code, row) in zip(empty, farthest) {
      for column in 0..<width { centres[code, column] = assigned.latents[row, column] }
    }
    return centres
  }
}

// Seeding.
extension KMeans {
  /// The first code is any latent. Each further one is drawn with probability proportional to the squared distance to the nearest code so
  /// far, 2 + ⌊ln K⌋ times, and of these draws the one is kept that brings the latents nearest to their codes.
  private static func seeds(_ all: FloatTensor, _ count: Int, _ noise: TrainingNoise, _ settings: Settings) -> FloatTensor {
    let (rows, width) = (all.shape[0], all.shape[1])
    let sampled = min(rows, max(settings.seedingLatents, count))
    let latents =
      sampled == rows ? all : all.rows(noise.subset(sampled, of: rows, .clusterSample, iteration: 0).sorted())
    let candidates = 2 + Int(log(Double(count)))
    let norms = (0..<sampled).map { row in latents.rows([row]).values.reduce(0.0) { $0 + Double($1) * Double($1) } }
    let first = min(Int(noise.uniform(.clusterSeed, iteration: 0, number: 0) * Double(sampled)), sampled - 1)
    var chosen = [first]
    var nearest = distances(latents, norms, to: [first])[0]
    while chosen.count < count {
      let cumulative = cumulative(nearest)
      let drawn = (0..<candidates).compactMap { number in
        let uniform = noise.uniform(.clusterSeed, iteration: chosen.count, number: number)
        return TrainingNoise.index(for: uniform, cumulative: cumulative)
      }
      // All latents lie on codes already.
      guard !drawn.isEmpty else { break }
      let reduced = distances(latents, norms, to: drawn).map { zip($0, nearest).map(min) }
      let totals = reduced.map { $0.reduce(0, +) }
      let best = totals.indices.min { (totals[$0], $0) < (totals[$1], $1) } ?? 0
      chosen.append(drawn[best])
      nearest = reduced[best]
    }
    // Copies of the first: of equal codes the first gets all latents.
    chosen += Array(repeating: first, count: count - chosen.count)
    return latents.rows(chosen).reshaped([count, width])
  }

  private static func cumulative(_ weights: [Double]) -> [Double] {
    var sum = 0.0
    return weights.map { weight in
      sum += weight
      return sum
    }
  }

  /// |z|² − 2 z·e + |e|² of all latents and the chosen ones, by one matrix product: [chosen][N], exactly 0 for a chosen one itself and
  /// for what lies within the product's rounding of it.
  private static func distances(_ latents: FloatTensor, _ norms: [Double], to chosen: [Int]) -> [[Double]] {
    let rows = latents.shape[0]
    let products = Linear(weight: latents.rows(chosen), bias: nil)(latents.reshaped([1, rows, latents.shape[1]]))
    return products.withUnsafeBufferPointer { products in
      chosen.enumerated().map { number, code in
        var distances = (0..<rows).map { row in
          let scale = norms[row] + norms[code]
          let distance = scale - 2 * Double(products[row * chosen.count + number])
          return distance > 1e-6 * scale ? distance : 0
        }
        distances[code] = 0
        return distances
      }
    }
  }
}
