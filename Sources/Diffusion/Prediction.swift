import Tensor

/// p(x_0 | x_t) of one image, computed position by position as a sampler asks for it: log-softmax of the logits, guidance,
/// truncation. Truncation leaves sums below 1.
///
/// Rows that it returns are its own scratch, valid until the next call. One thread uses it at a time.
package final class Prediction {
  /// K.
  package let codes: Int
  /// Room for the K + 1 weights of a step, for the sampler to use.
  package let weights: UnsafeMutableBufferPointer<Float>

  private let conditional: UnsafePointer<Float>
  private let unconditional: UnsafePointer<Float>?
  private let guidanceScale: Float
  private let truncation: Truncation
  private let isFinal: Bool
  private let logRow: UnsafeMutablePointer<Float>
  private let row: UnsafeMutablePointer<Float>
  private let scratch: UnsafeMutablePointer<Float>

  /// The prediction of a network.
  ///
  /// - Parameters:
  ///   - logits: [L, K], alive as long as the prediction is used.
  ///   - unconditional: logits without the condition, [L, K]; nil for no guidance.
  ///   - guidanceScale: g of `Guidance`.
  ///   - truncation: applied after guidance.
  package convenience init(
    logits: UnsafePointer<Float>, unconditional: UnsafePointer<Float>?, guidanceScale: Double, truncation: Truncation,
    codes: Int
  ) {
    self.init(logits, unconditional, guidanceScale, truncation, codes: codes, isFinal: false)
  }

  /// A prediction that is already normalised, guided and truncated: log p(x_0), [L, K], alive as long as it is used.
  package convenience init(logProbabilities: UnsafePointer<Float>, codes: Int) {
    self.init(logProbabilities, nil, 1, .none, codes: codes, isFinal: true)
  }

  private init(
    _ conditional: UnsafePointer<Float>, _ unconditional: UnsafePointer<Float>?, _ guidanceScale: Double,
    _ truncation: Truncation, codes: Int, isFinal: Bool
  ) {
    self.conditional = conditional
    self.unconditional = unconditional
    self.guidanceScale = Float(guidanceScale)
    self.truncation = truncation
    self.codes = codes
    self.isFinal = isFinal
    weights = .allocate(capacity: codes + 1)
    weights.initialize(repeating: 0)
    logRow = .allocate(capacity: codes)
    row = .allocate(capacity: codes)
    scratch = .allocate(capacity: codes)
  }

  deinit {
    weights.deallocate()
    logRow.deallocate()
    row.deallocate()
    scratch.deallocate()
  }

  /// p(x_0 = k) at a position, K values.
  package func probabilities(at position: Int) -> UnsafeMutablePointer<Float> {
    writeLogRow(position)
    RowMath.exp(logRow, into: row, count: codes)
    truncation.apply(logProbabilities: logRow, probabilities: row, scratch: scratch, count: codes)
    return row
  }

  /// log p(x_0 = k) at a position, K values; −∞ for codes that truncation dropped.
  package func logProbabilities(at position: Int) -> UnsafeMutablePointer<Float> {
    if truncation == .none {
      writeLogRow(position)
    } else {
      _ = probabilities(at: position)
    }
    return logRow
  }

  /// Weights proportional to p(x_0 = k)^exponent at a position, K values, the largest being 1 (Eq. 11 with exponent
  /// 1 + purity · r).
  package func sharpenedProbabilities(at position: Int, exponent: Float) -> UnsafeMutablePointer<Float> {
    let logProbabilities = logProbabilities(at: position)
    let largest = RowMath.maximum(logProbabilities, count: codes)
    for k in 0..<codes { logProbabilities[k] = exponent * (logProbabilities[k] - largest) }
    RowMath.exp(logProbabilities, into: row, count: codes)
    return row
  }

  /// purity = max_k p(x_0 = k) at a position (Eq. 8). Truncation doesn't change it.
  package func purity(at position: Int) -> Float {
    writeLogRow(position)
    var largest = RowMath.maximum(logRow, count: codes)
    RowMath.exp(&largest, into: row, count: 1)
    return row[0]
  }

  /// log p before truncation.
  private func writeLogRow(_ position: Int) {
    let offset = position * codes
    if isFinal {
      logRow.update(from: conditional + offset, count: codes)
      return
    }
    RowMath.logSoftmax(conditional + offset, into: logRow, count: codes)
    guard let unconditional else { return }
    RowMath.logSoftmax(unconditional + offset, into: row, count: codes)
    // Guidance multiplies the differences of logarithms: codes that neither prediction gives a chance to must not win by
    // them. The public code bounds the logarithms by the same number.
    let least: Float = -70
    for k in 0..<codes {
      let (given, free) = (max(logRow[k], least), max(row[k], least))
      logRow[k] = free + guidanceScale * (given - free)
    }
    RowMath.logSoftmax(logRow, into: logRow, count: codes)
  }
}
