import Checkpoint
import Foundation
import Synchronization
import Tensor

/// A norm without affine parameters, followed by a scale and shift that follow from an index (timestep or class):
///
///     [scale, shift] = linear(SiLU(code(index)))        y = norm(x) · (1 + scale) + shift
///
/// Scale and shift don't depend on the tokens, so those of the indices used last are kept.
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
  private let modulations = Mutex(ModulationCache())

  /// - Parameters:
  ///   - rows: of the table; for a sinusoidal code, T.
  init(_ weights: WeightLoader, kind: VQDiffusionConfiguration.AdaptiveNormKind, rows: Int, width: Int) throws(CheckpointError) {
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
    var rows = modulations.withLock { $0.rows(of: indices) }
    // Outside the lock: two that come at once compute the same bits.
    let missing = Set(indices).filter { rows[$0] == nil }
    for index in missing { rows[index] = computeModulation(index) }
    if !missing.isEmpty {
      modulations.withLock { cache in
        for index in missing { cache.insert(index, rows[index], atMost: Self.cachedBytes / (8 * width)) }
      }
    }
    return FloatTensor(indices.flatMap { rows[$0] ?? [] }, shape: [indices.count, 2 * width])
  }

  /// The most memory that the kept scales and shifts of one norm take.
  private static let cachedBytes = 1 << 19

  /// The number of indices whose scale and shift are kept.
  var cachedCount: Int { modulations.withLock { $0.count } }

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

/// Scale and shift, [2D], of some indices; the first to come is the first to go.
private struct ModulationCache {
  private var known: [AdaptiveNorm.Index: [Float]] = [:]
  private var order: [AdaptiveNorm.Index] = []

  var count: Int { known.count }

  func rows(of indices: [AdaptiveNorm.Index]) -> [AdaptiveNorm.Index: [Float]] {
    var rows: [AdaptiveNorm.Index: [Float]] = [:]
    for index in indices { rows[index] = known[index] }
    return rows
  }

  /// - Parameter limit: of entries; at least one is kept.
  mutating func insert(_ index: AdaptiveNorm.Index, _ row: [Float]?, atMost limit: Int) {
    guard let row, known[index] == nil else { return }
    if order.count >= max(limit, 1) { known[order.removeFirst()] = nil }
    known[index] = row
    order.append(index)
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
