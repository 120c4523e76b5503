/// A series as it is drawn: where it has no value, a gap.
struct PlotCurve {
  /// Values that are further out are gaps as well, and those that are nearer to 0 than its inverse are 0: an axis's width and the
  /// distance of its ticks have to be numbers.
  static let largestValue = 1e100

  let steps: [Int]
  let values: [Double?]

  /// - Parameter isPositive: Whether only values above 0 can be drawn.
  init(steps: [Int], values: [Double], isPositive: Bool) {
    self.steps = steps
    self.values = values.map { value in
      guard abs(value) <= Self.largestValue else { return nil }
      let value = abs(value) < 1 / Self.largestValue ? 0 : value
      return isPositive && value <= 0 ? nil : value
    }
  }

  private init(steps: [Int], values: [Double?]) {
    self.steps = steps
    self.values = values
  }

  /// At most `limit` points: of each of `limit`/2 pieces of like length the least and the greatest value, at their own steps, so
  /// that spikes stay as high as they are. A piece without values is a gap.
  func decimated(to limit: Int) -> PlotCurve {
    guard values.count > limit else { return self }
    let pieces = limit / 2
    var kept: [Int] = []
    for piece in 0..<pieces {
      let range = values.count * piece / pieces..<values.count * (piece + 1) / pieces
      let present = range.filter { values[$0] != nil }
      if let least = present.min(by: { isLess($0, $1) }), let greatest = present.max(by: { isLess($0, $1) }) {
        kept += least == greatest ? [least] : [min(least, greatest), max(least, greatest)]
      } else {
        kept.append(range.lowerBound)
      }
    }
    return PlotCurve(steps: kept.map { steps[$0] }, values: kept.map { values[$0] })
  }

  private func isLess(_ one: Int, _ other: Int) -> Bool { (values[one] ?? 0) < (values[other] ?? 0) }

  /// The stretches between the gaps.
  var stretches: [[(step: Int, value: Double)]] {
    var stretches: [[(step: Int, value: Double)]] = [[]]
    for (step, value) in zip(steps, values) {
      if let value {
        stretches[stretches.count - 1].append((step, value))
      } else if stretches.last?.isEmpty == false {
        stretches.append([])
      }
    }
    return stretches.filter { !$0.isEmpty }
  }
}

extension LossPlot.Series {
  /// The decay of the moving average over the values, nil where none is drawn.
  var decay: Double? {
    switch smoothing {
    case .none: nil
    case .decay(let decay): decay
    // An average over n values has the decay 1 − 1/n.
    case .automatic: points.count < 200 ? nil : 1 - 100 / Double(points.count)
    }
  }
}

/// The exponential moving average s_i = m_i / (1 − β^i), m_i = β·m_{i−1} + (1−β)·x_i, m_0 = 0, whose divisor takes back the pull
/// of m_0 (Kingma, Ba 2015, "Adam", section 3). What isn't finite is left as it is and out of the average.
package func movingAverage(of values: [Double], decay: Double) -> [Double] {
  precondition(decay >= 0 && decay < 1, "a moving average of decay \(decay)")
  var average = 0.0
  var remaining = 1.0  // β^i
  return values.map { value in
    guard value.isFinite else { return value }
    average = decay * average + (1 - decay) * value
    remaining *= decay
    return average / (1 - remaining)
  }
}
