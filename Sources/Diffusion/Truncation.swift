/// Which codes of a prediction may be drawn at all; applied after guidance. The most probable code always stays, and what
/// remains isn't renormalised.
public enum Truncation: Sendable, Equatable, CustomStringConvertible {
  /// All codes.
  case none
  /// The most probable codes: one stays while the probability of those before it is below `r`, in (0, 1] (VQ-Diffusion's
  /// "top r"). 1 keeps all.
  case nucleus(Double)
  /// The `count` most probable codes.
  case topCodes(Int)

  public var description: String {
    switch self {
    case .none: "none"
    case .nucleus(let r): "nucleus \(r)"
    case .topCodes(let count): "top \(count) codes"
    }
  }

  /// - Throws: `nucleus` or `topCodes` for a number outside its range.
  public func validate() throws(DiffusionError) {
    switch self {
    case .none: return
    case .nucleus(let r): guard r > 0, r <= 1 else { throw .nucleus(found: r) }
    case .topCodes(let count): guard count >= 1 else { throw .topCodes(found: count) }
    }
  }

  /// Drops codes of one position: log p becomes −∞ and p becomes 0.
  ///
  /// - Parameters:
  ///   - logProbabilities: log p, K values.
  ///   - probabilities: p, K values that sum to 1.
  ///   - scratch: room for K values.
  package func apply(
    logProbabilities: UnsafeMutablePointer<Float>, probabilities: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, count: Int
  ) {
    let cut: Cut
    switch self {
    case .none: return
    case .nucleus(let r):
      guard r < 1 else { return }
      // Codes below (1 − r)/K hold less than 1 − r together, so none of them has less than r before it.
      let least = Float((1 - r) / Double(count) * (1 - 1e-3))
      let candidates = Self.copy(probabilities, count: count, from: least, into: scratch)
      cut = Self.cut(UnsafeMutableBufferPointer(start: scratch, count: candidates), limit: r) { Double($0) }
    case .topCodes(let kept):
      guard kept < count else { return }
      scratch.update(from: probabilities, count: count)
      cut = Self.cut(UnsafeMutableBufferPointer(start: scratch, count: count), limit: Double(kept)) { _ in 1 }
    }
    var equals = cut.equals
    for k in 0..<count where probabilities[k] <= cut.threshold {
      if probabilities[k] == cut.threshold, equals > 0 {
        equals -= 1
        continue
      }
      logProbabilities[k] = -.infinity
      probabilities[k] = 0
    }
  }

  private static func copy(
    _ values: UnsafeMutablePointer<Float>, count: Int, from least: Float, into kept: UnsafeMutablePointer<Float>
  ) -> Int {
    var next = 0
    for k in 0..<count {
      // Written always, counted only if kept: no branch to mispredict.
      kept[next] = values[k]
      next += values[k] >= least ? 1 : 0
    }
    return next
  }

  /// What stays: all above the threshold, and the first `equals` of those equal to it.
  private struct Cut {
    var threshold: Float
    var equals: Int
  }

  /// The cut that keeps a value while the measure of all values before it, largest first, is below `limit`: a quickselect
  /// by cumulative measure, O(K) where sorting takes O(K log K). Reorders `values`.
  @inline(__always)
  private static func cut(
    _ values: UnsafeMutableBufferPointer<Float>, limit: Double, measure: (Float) -> Double
  ) -> Cut {
    var (low, high) = (0, values.count)  // the cut lies in values[low..<high]
    var before = 0.0  // the measure of all values above them
    while true {
      let pivot = median(values[low], values[(low + high) / 2], values[high - 1])
      var (greater, equal, end) = (low, low, high)  // > pivot below `greater`, = pivot below `equal`, < pivot from `end`
      var measureOfGreater = 0.0
      while equal < end {
        let value = values[equal]
        if value > pivot {
          measureOfGreater += measure(value)
          values.swapAt(greater, equal)
          greater += 1
          equal += 1
        } else if value < pivot {
          end -= 1
          values.swapAt(equal, end)
        } else {
          equal += 1
        }
      }
      if before + measureOfGreater >= limit {
        high = greater
        continue
      }
      before += measureOfGreater
      let equals = equal - greater
      let needed = ((limit - before) / measure(pivot)).rounded(.up)
      if needed <= Double(equals) { return Cut(threshold: pivot, equals: Int(needed)) }
      if equal == high { return Cut(threshold: pivot, equals: equals) }
      before += Double(equals) * measure(pivot)
      low = equal
    }
  }

  private static func median(_ a: Float, _ b: Float, _ c: Float) -> Float {
    max(min(a, b), min(max(a, b), c))
  }
}
