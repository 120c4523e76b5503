import Checkpoint
import Tensor

/// The codes that latents are quantised to.
package struct Codebook: Sendable {
  /// [codes, dimension]; with low memory as and where the file holds them.
  private let codes: LayerWeights
  /// A latent's score for every code, once the latent is multiplied by `latentFactor`: it is quantised to the code of the largest.
  private let scoring: Linear
  private let latentFactor: Float

  /// Latents go to the nearest code. The score is 2 z·e − |e|²: minus the squared distance, less |z|², which is the same
  /// for all codes. The latent is what is doubled, so that the codes can be multiplied by as they are.
  package init(codes: LayerWeights, options: ComputeOptions) {
    let norms = (0..<codes.shape[0]).map { code in
      -Float(codes.rows([code]).values.reduce(0.0) { $0 + Double($1) * Double($1) })
    }
    let scoring = Linear(weights: codes, bias: FloatTensor(norms, shape: [codes.shape[0]]), options: options)
    self.init(codes: codes, scoring: scoring, latentFactor: 2)
  }

  /// - Parameter scoring: from a latent times `latentFactor` to one number per code, the largest of which wins.
  package init(codes: LayerWeights, scoring: Linear, latentFactor: Float = 1) {
    (self.codes, self.scoring, self.latentFactor) = (codes, scoring, latentFactor)
  }

  /// The scores of every code for latents [B, h, w, dimension]: [B, h, w, codes].
  package func scores(_ latents: FloatTensor) -> FloatTensor {
    guard latentFactor != 1 else { return scoring(latents) }
    var scaled = latents
    scaled.withUnsafeMutableBufferPointer { values in
      for index in values.indices { values[index] *= latentFactor }
    }
    return scoring(scaled)
  }

  /// The code of each latent [B, h, w, dimension]: that of the largest score, of equal ones the first.
  package func tokens(_ latents: FloatTensor) -> [Int32] {
    let images = latents.shape[0]
    let (rows, dimension) = (latents.count / latents.shape[3], latents.shape[3])
    let rowsPerImage = rows / max(images, 1)
    // In slices of images, so that the table of scores stays small for large codebooks.
    let slice = max(1, (1 << 22) / (max(rowsPerImage, 1) * codes.shape[0]))
    var tokens = [Int32](repeating: 0, count: rows)
    for first in stride(from: 0, to: images, by: slice) {
      let some = first * rowsPerImage..<min(first + slice, images) * rowsPerImage
      let table = scores(latents.rows(some, width: dimension).reshaped([some.count / rowsPerImage, rowsPerImage, dimension]))
      table.withUnsafeBufferPointer { table in
        for row in some {
          let start = (row - some.lowerBound) * codes.shape[0]
          tokens[row] = Self.indexOfLargest(table[start..<start + codes.shape[0]])
        }
      }
    }
    return tokens
  }

  private static func indexOfLargest(_ row: Slice<UnsafeBufferPointer<Float>>) -> Int32 {
    var (best, place) = (-Float.infinity, 0)
    for (index, value) in row.enumerated() where value > best {
      (best, place) = (value, index)
    }
    return Int32(place)
  }

  /// The codes of tokens, all in range: [tokens.count, dimension].
  package func vectors(_ tokens: [Int32]) -> FloatTensor { codes.rows(tokens.map(Int.init)) }
}

/// The tables between a full codebook and the reduced one that a denoiser was trained on (of the 16,384 codes of the ImageNet
/// VQGAN, 974 are in use).
public struct CodebookMap: Sendable, Equatable {
  /// The reduced code of each full code. In the published tables all unused codes share reduced code 0.
  public let reduced: [Int32]
  /// The first full code of each reduced code, −1 for a reduced code that nothing maps to.
  public let full: [Int32]

  /// - Throws: `VQVAEError.invalidCodebookMap` for a reduced code outside 0..<reducedCodes.
  public init(reduced: [Int], reducedCodes: Int) throws(VQVAEError) {
    var full = [Int32](repeating: -1, count: reducedCodes)
    for (code, target) in reduced.enumerated() {
      guard (0..<reducedCodes).contains(target) else {
        throw .invalidCodebookMap(expected: "reduced codes in 0..<\(reducedCodes)", found: "\(target) for code \(code)")
      }
      if full[target] < 0 { full[target] = Int32(code) }
    }
    self.reduced = reduced.map { Int32($0) }
    self.full = full
  }
}
