import Checkpoint
import Foundation
import Synchronization
import Tensor

/// A norm without affine parameters, followed by a scale and shift that follow from an index (timestep or class):
///
///     [scale, shift] = linear(SiLU(code(index)))        y = norm(x) · (1 + scale) + shift
///
/// Scale and shift don't depend on the tokens, so each index is computed once, when it first occurs.
final class AdaptiveNorm: Sendable {
  /// Which code is looked up.
  enum Index: Hashable, Sendable {
    case row(Int)
    /// The mean of all rows: what the public implementation does for an index past its table.
    case meanRow
  }

  private enum Code: Sendable {
    /// [rows, D]; with low memory 16-bit ones stay in the file, since few rows are asked for.
    case table(LayerWeights)
    case sinusoidal(timesteps: Int)
  }

  private let code: Code
  private let linear: Linear
  private let isInstanceNorm: Bool
  private let width: Int
  private let modulations = Mutex<[Index: [Float]]>([:])

  /// - Parameters:
  ///   - rows: of the table; for a sinusoidal code, T.
  init(_ weights: Weights, kind: DenoiserConfiguration.AdaptiveNormKind, rows: Int, width: Int) throws(CheckpointError) {
    self.width = width
    isInstanceNorm = kind == .instanceNorm
    code =
      switch kind {
      case .sinusoidalLayerNorm: .sinusoidal(timesteps: rows)
      case .layerNorm, .instanceNorm: .table(try weights.layerWeights("emb.weight", [rows, width]))
      }
    linear = try weights.linear("linear", inputs: width, outputs: 2 * width)
  }

  /// x [B, L, D], one index for each of the B sequences.
  func callAsFunction(_ x: FloatTensor, _ indices: [Index]) -> FloatTensor {
    let modulation = modulation(for: indices)
    return isInstanceNorm ? x.instanceNorm(modulation: modulation) : x.layerNorm(modulation: modulation)
  }

  /// [B, 2D]
  private func modulation(for indices: [Index]) -> FloatTensor {
    let rows = modulations.withLock { known in
      indices.map { index in
        if let row = known[index] { return row }
        let row = computeModulation(index)
        known[index] = row
        return row
      }
    }
    return FloatTensor(Array(rows.joined()), shape: [indices.count, 2 * width])
  }

  private func computeModulation(_ index: Index) -> [Float] {
    let code = FloatTensor(codeVector(index), shape: [1, width])
    return linear(code.applying(.silu)).values
  }

  private func codeVector(_ index: Index) -> [Float] {
    switch (code, index) {
    case (.table(let table), .row(let row)):
      return table.rows([row]).values
    case (.table(let table), .meanRow):
      let rows = table.shape[0]
      return table.rows(Array(0..<rows)).withUnsafeBufferPointer { values in
        (0..<width).map { column in
          Float((0..<rows).reduce(0.0) { $0 + Double(values[$1 * width + column]) } / Double(rows))
        }
      }
    case (.sinusoidal(let timesteps), .row(let row)):
      return AdaptiveNormCode.sinusoidal(row, timesteps: timesteps, width: width)
    case (.sinusoidal, .meanRow):
      preconditionFailure("a sinusoidal code has no rows to average")
    }
  }
}

/// Codes of indices that aren't learned.
package enum AdaptiveNormCode {
  /// [sin(v f), cos(v f)] with v = 4000 t / T and f_j = exp(−j ln(10000) / (D/2 − 1)).
  package static func sinusoidal(_ index: Int, timesteps: Int, width: Int) -> [Float] {
    let half = width / 2
    let value = Double(index) / Double(timesteps) * 4000
    let angles = (0..<half).map { value * exp(-Double($0) * log(10_000.0) / Double(half - 1)) }
    return angles.map { Float(sin($0)) } + angles.map { Float(cos($0)) }
  }
}
