import Tensor

/// The logits of one image: rows of K values at all positions, or at some.
package struct LogitsRows {
  private let base: UnsafePointer<Float>
  /// The row of each position, −1 where there is none; nil: row i is position i.
  private let rowOfPosition: [Int32]?

  /// - Parameters:
  ///   - base: rows of K values, which must outlive this value.
  ///   - rowOfPosition: nil for all positions in order.
  package init(_ base: UnsafePointer<Float>, rowOfPosition: [Int32]? = nil) {
    self.base = base
    self.rowOfPosition = rowOfPosition
  }

  func row(at position: Int, codes: Int) -> UnsafePointer<Float> {
    guard let rowOfPosition else { return base + position * codes }
    precondition(rowOfPosition[position] >= 0, "position \(position) wasn't evaluated")
    return base + Int(rowOfPosition[position]) * codes
  }
}

/// p(x_0 | x_t) of one image, computed for the positions that a sampler reads: log-softmax of the logits, guidance,
/// temperature, truncation. Truncation leaves sums below 1.
///
/// Returned rows are scratch memory, valid until the next call. A prediction belongs to one thread at a time.
package final class Prediction {
  /// K.
  package let codes: Int
  /// Scratch memory for a sampler: the law of a token, K + 1 probabilities.
  package let law: UnsafeMutableBufferPointer<Float>

  private let conditional: LogitsRows
  private let unconditional: LogitsRows?
  /// g of this step.
  private let guidanceScale: Float
  /// Nil for rows that are normalised, guided and truncated already.
  private let settings: SamplingSettings?
  private let logRow: UnsafeMutablePointer<Float>
  private let row: UnsafeMutablePointer<Float>
  private let scratch: UnsafeMutablePointer<Float>

  /// The prediction of a network.
  ///
  /// - Parameters:
  ///   - unconditional: logits without the condition at the same positions; nil for no guidance.
  ///   - guidanceScale: g of this step, which a schedule may have changed; unused without unconditional logits.
  ///   - settings: gives temperature and truncation.
  package convenience init(
    logits: LogitsRows, unconditional: LogitsRows?, guidanceScale: Double, settings: SamplingSettings, codes: Int
  ) {
    self.init(logits, unconditional, Float(guidanceScale), settings, codes: codes)
  }

  /// A prediction that is normalised, guided and truncated already: log p(x_0), [L, K], which must outlive it.
  package convenience init(logProbabilities: UnsafePointer<Float>, codes: Int) {
    self.init(LogitsRows(logProbabilities), nil, 1, nil, codes: codes)
  }

  private init(
    _ conditional: LogitsRows, _ unconditional: LogitsRows?, _ guidanceScale: Float, _ settings: SamplingSettings?, codes: Int
  ) {
    self.conditional = conditional
    self.unconditional = unconditional
    self.guidanceScale = guidanceScale
    self.settings = settings
    self.codes = codes
    law = .allocate(capacity: codes + 1)
    law.initialize(repeating: 0)
    logRow = .allocate(capacity: codes)
    row = .allocate(capacity: codes)
    scratch = .allocate(capacity: codes)
  }

  deinit {
    law.deallocate()
    logRow.deallocate()
    row.deallocate()
    scratch.deallocate()
  }

  /// Whether `probabilities(at:)` sums to 1 up to rounding.
  package var isNormalized: Bool { settings?.truncation == Truncation.none }

  private var truncation: Truncation { settings?.truncation ?? .none }

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

  /// p(x_0 = k)^exponent at a position, K values scaled so that the largest is 1 (Eq. 11 with exponent 1 + purity · r).
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

  /// The most probable code at a position.
  package func mostProbable(at position: Int) -> Int32 {
    writeLogRow(position)
    var best = 0
    for k in 0..<codes where logRow[k] > logRow[best] { best = k }
    return Int32(best)
  }

  /// Writes log p before truncation into `logRow`.
  private func writeLogRow(_ position: Int) {
    let given = conditional.row(at: position, codes: codes)
    guard let settings else {
      logRow.update(from: given, count: codes)
      return
    }
    RowMath.logSoftmax(given, into: logRow, count: codes)
    if let unconditional {
      RowMath.logSoftmax(unconditional.row(at: position, codes: codes), into: row, count: codes)
      // Guidance multiplies differences of logarithms. The bound keeps codes that are hopeless in both predictions from winning
      // by a large difference. The public code uses the same bound.
      let least: Float = -70
      for k in 0..<codes {
        let (given, free) = (max(logRow[k], least), max(row[k], least))
        logRow[k] = free + guidanceScale * (given - free)
      }
      RowMath.logSoftmax(logRow, into: logRow, count: codes)
    }
    if settings.temperature != 1 {
      let inverse = Float(1 / settings.temperature)
      for k in 0..<codes { logRow[k] *= inverse }
      RowMath.logSoftmax(logRow, into: logRow, count: codes)
    }
  }
}
