import Tensor

/// What happens to a network's logits on the way to p(x_0 | x_t): guidance, temperature, truncation, in this order.
package struct PredictionSettings: Sendable, Equatable {
  /// g of `Guidance`; only with unconditional logits.
  package var guidanceScale: Double
  /// Logarithms are divided by it: below 1 sharpens, above 1 flattens.
  package var temperature: Double
  package var truncation: Truncation

  package init(guidanceScale: Double = 1, temperature: Double = 1, truncation: Truncation = .none) {
    self.guidanceScale = guidanceScale
    self.temperature = temperature
    self.truncation = truncation
  }

  /// - Throws: `temperature`, `nucleus`, `topCodes`.
  func validate() throws(DiffusionError) {
    guard temperature > 0, temperature.isFinite else { throw .temperature(found: temperature) }
    try truncation.validate()
  }
}

/// The logits of one image: rows of K values at all positions, or at some.
package struct LogitsRows {
  private let base: UnsafePointer<Float>
  /// The row of each position, −1 where there is none; nil: row i is position i.
  private let rowOfPosition: [Int32]?

  /// - Parameters:
  ///   - base: rows of K values, alive as long as this is used.
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

/// p(x_0 | x_t) of one image, computed position by position as a sampler asks for it: log-softmax of the logits, guidance,
/// temperature, truncation. Truncation leaves sums below 1.
///
/// Rows that it returns are its own scratch, valid until the next call. One thread uses it at a time.
package final class Prediction {
  /// K.
  package let codes: Int
  /// Room for the K + 1 weights of a step, for the sampler to use.
  package let weights: UnsafeMutableBufferPointer<Float>

  private let conditional: LogitsRows
  private let unconditional: LogitsRows?
  private let settings: PredictionSettings
  private let isFinal: Bool
  private let logRow: UnsafeMutablePointer<Float>
  private let row: UnsafeMutablePointer<Float>
  private let scratch: UnsafeMutablePointer<Float>

  /// The prediction of a network.
  ///
  /// - Parameter unconditional: logits without the condition at the same positions; nil for no guidance.
  package convenience init(
    logits: LogitsRows, unconditional: LogitsRows?, settings: PredictionSettings, codes: Int
  ) {
    self.init(logits, unconditional, settings, codes: codes, isFinal: false)
  }

  /// A prediction that is already normalised, guided and truncated: log p(x_0), [L, K], alive as long as it is used.
  package convenience init(logProbabilities: UnsafePointer<Float>, codes: Int) {
    self.init(LogitsRows(logProbabilities), nil, PredictionSettings(), codes: codes, isFinal: true)
  }

  private init(
    _ conditional: LogitsRows, _ unconditional: LogitsRows?, _ settings: PredictionSettings, codes: Int, isFinal: Bool
  ) {
    self.conditional = conditional
    self.unconditional = unconditional
    self.settings = settings
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
    settings.truncation.apply(logProbabilities: logRow, probabilities: row, scratch: scratch, count: codes)
    return row
  }

  /// log p(x_0 = k) at a position, K values; −∞ for codes that truncation dropped.
  package func logProbabilities(at position: Int) -> UnsafeMutablePointer<Float> {
    if settings.truncation == .none {
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

  /// The most probable code at a position.
  package func mostProbable(at position: Int) -> Int32 {
    writeLogRow(position)
    var best = 0
    for k in 0..<codes where logRow[k] > logRow[best] { best = k }
    return Int32(best)
  }

  /// log p before truncation.
  private func writeLogRow(_ position: Int) {
    let given = conditional.row(at: position, codes: codes)
    if isFinal {
      logRow.update(from: given, count: codes)
      return
    }
    RowMath.logSoftmax(given, into: logRow, count: codes)
    if let unconditional {
      RowMath.logSoftmax(unconditional.row(at: position, codes: codes), into: row, count: codes)
      // Guidance multiplies the differences of logarithms: codes that neither prediction gives a chance to must not win by
      // them. The public code bounds the logarithms by the same number.
      let least: Float = -70
      let scale = Float(settings.guidanceScale)
      for k in 0..<codes {
        let (given, free) = (max(logRow[k], least), max(row[k], least))
        logRow[k] = free + scale * (given - free)
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
