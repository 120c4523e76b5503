import Checkpoint
import Tensor

/// The codes that latents are quantised to.
package struct Codebook: Sendable {
  /// [codes, dimension]
  package let codes: FloatTensor
  /// z ↦ |e|² − 2 z·e for every code e: the squared distance less |z|², which is the same for all codes.
  private let distances: Linear

  package init(codes: FloatTensor) {
    self.codes = codes
    let (count, dimension) = (codes.shape[0], codes.shape[1])
    let values = codes.values
    let norms = (0..<count).map { code in
      Float(values[code * dimension..<(code + 1) * dimension].reduce(0.0) { $0 + Double($1) * Double($1) })
    }
    distances = Linear(
      weight: FloatTensor(values.map { -2 * $0 }, shape: codes.shape), bias: FloatTensor(norms, shape: [count]))
  }

  /// The nearest code of each latent [..., dimension]; of equally near ones the first.
  package func nearest(_ latents: FloatTensor) -> [Int32] {
    let dimension = codes.shape[1]
    let rows = latents.count / dimension
    var tokens = [Int32](repeating: 0, count: rows)
    // In slices, so that the table of distances stays small for large codebooks.
    let slice = 1024
    for first in stride(from: 0, to: rows, by: slice) {
      let some = latents.rows(first..<min(first + slice, rows), width: dimension)
      let table = distances(some)
      table.withUnsafeBufferPointer { table in
        for row in 0..<some.shape[0] {
          tokens[first + row] = Self.indexOfSmallest(table[row * codes.shape[0]..<(row + 1) * codes.shape[0]])
        }
      }
    }
    return tokens
  }

  private static func indexOfSmallest(_ row: Slice<UnsafeBufferPointer<Float>>) -> Int32 {
    var (best, place) = (Float.infinity, 0)
    for (index, value) in row.enumerated() where value < best { (best, place) = (value, index) }
    return Int32(place)
  }

  /// The codes of tokens, all in range: [tokens.count, dimension].
  package func vectors(_ tokens: [Int32]) -> FloatTensor {
    let dimension = codes.shape[1]
    defer { keepAlive(codes) }
    return FloatTensor(uninitialized: [tokens.count, dimension]) { target in
      for (row, token) in tokens.enumerated() {
        (target + row * dimension).update(from: codes.base + Int(token) * dimension, count: dimension)
      }
    }
  }
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
