import Evaluation
import Foundation
import Tensor
import VQVAE

/// Held-out images, the same at every look.
struct ValidationImages {
  let images: PreparedImages
  private let chosen: [Int]

  /// - Parameter limit: the most images, taken evenly from the whole set; those that can't be read are left out.
  /// - Throws: `DatasetError.allUnreadable`.
  init(_ images: PreparedImages, limit: Int) throws(DatasetError) {
    self.images = images
    chosen = images.spread(limit).filter { images.pixels($0) != nil }
    guard !chosen.isEmpty else { throw images.allUnreadable() }
  }

  /// Some of them, [B, H, W, 3] in −1…1.
  func first(_ count: Int) throws -> FloatTensor {
    let step = max(1, chosen.count / count)
    return try images.tensor(stride(from: 0, to: chosen.count, by: step).prefix(count).map { chosen[$0] }).images
  }

  /// The peak signal-to-noise ratio of reconstructions over all pixels, in dB, and how the codebook is used.
  func reconstruction(by tokenizer: any ImageTokenizer) throws -> [(name: String, value: Double)] {
    var (sum, count) = (0.0, 0)
    var histogram = [Int](repeating: 0, count: tokenizer.facts.codes)
    for start in stride(from: 0, to: chosen.count, by: 100) {
      let pixels = try images.tensor(Array(chosen[start..<min(start + 100, chosen.count)])).images.unitRange
      guard pixels.count > 0 else { continue }
      let tokens = try tokenizer.encode(pixels)
      for token in tokens.tokens { histogram[Int(token)] += 1 }
      sum += zip(try tokenizer.decode(tokens).values, pixels.values).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
      count += pixels.count
    }
    guard count > 0 else { return [] }
    let usage = try CodeUsage(histogram: histogram)
    return [
      ("validation_psnr", -10 * log10(max(sum / Double(count), 1e-12))), ("validation_perplexity", usage.perplexity),
      ("validation_codes_used", Double(usage.used)), ("validation_codes_used_10", Double(usage.usedTenTimes)),
    ]
  }
}
