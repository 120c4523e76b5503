/// Codes of a prediction that may be drawn; applied after guidance and temperature. The most probable code always stays. The
/// remaining probabilities aren't renormalised.
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

  /// Drops codes of one position: their log p becomes −∞, their p becomes 0.
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
      let candidates = Self.compact(probabilities, count: count, into: scratch) { $0 >= least }
      cut = Self.cut(scratch, count: candidates, limit: r) { Double($0) }
    case .topCodes(let kept):
      guard kept < count else { return }
      scratch.update(from: probabilities, count: count)
      cut = Self.cut(scratch, count: count, limit: Double(kept)) { _ in 1 }
    }
    for k in 0..<count {
      let stays = probabilities[k] >= cut.threshold
      logProbabilities[k] = stays ? logProbabilities[k] : -.infinity
      probabilities[k] = stays ? probabilities[k] : 0
    }
    var surplus = cut.surplus
    for k in (0..<count).reversed() {
      if surplus == 0 { return }
      guard probabilities[k] == cut.threshold else { continue }
      logProbabilities[k] = -.infinity
      probabilities[k] = 0
      surplus -= 1
    }
  }

  /// Copies wanted values to the front of `kept`, which may be `values` itself, and returns their number.
  @inline(__always)
  private static func compact(
    _ values: UnsafeMutablePointer<Float>, count: Int, into kept: UnsafeMutablePointer<Float>, where isWanted: (Float) -> Bool
  ) -> Int {
    var next = 0
    for k in 0..<count {
      // Written always, counted only if wanted: no branch to mispredict.
      let value = values[k]
      kept[next] = value
      next += isWanted(value) ? 1 : 0
    }
    return next
  }

  /// Values that stay: all from the threshold up, except for `surplus` of those equal to it.
  private struct Cut {
    var threshold: Float
    var surplus: Int
  }

  /// The cut that keeps a value while the measure of all values before it, largest first, is below `limit`: a quickselect
  /// by cumulative measure, O(K) where sorting takes O(K log K). Overwrites `values`.
  @inline(__always)
  private static func cut(
    _ values: UnsafeMutablePointer<Float>, count: Int, limit: Double, measure: (Float) -> Double
  ) -> Cut {
    var count = count  // the cut lies among the first `count` values
    var before = 0.0  // the measure of all values above them
    while true {
      let pivot = median(values[0], values[count / 2], values[count - 1])
      let greater = sum(values, count: count) { $0 > pivot ? measure($0) : 0 }
      if greater > 0, before + greater >= limit {
        count = compact(values, count: count, into: values) { $0 > pivot }
        continue
      }
      before += greater
      let equals = sum(values, count: count) { $0 == pivot ? 1 : 0 }
      // Rounding may have taken `before` past the limit already.
      let needed = max(0, ((limit - before) / measure(pivot)).rounded(.up))
      if needed <= equals { return Cut(threshold: pivot, surplus: Int(equals - needed)) }
      count = compact(values, count: count, into: values) { $0 < pivot }
      if count == 0 { return Cut(threshold: pivot, surplus: 0) }
      before += equals * measure(pivot)
    }
  }

  /// Σ term(x), in four interleaved sums that don't wait for each other.
  @inline(__always)
  private static func sum(_ x: UnsafeMutablePointer<Float>, count: Int, term: (Float) -> Double) -> Double {
    var (s0, s1, s2, s3) = (0.0, 0.0, 0.0, 0.0)
    var i = 0
    while i + 4 <= count {
      s0 += term(x[i])
      s1 += term(x[i + 1])
      s2 += term(x[i + 2])
      s3 += term(x[i + 3])
      i += 4
    }
    while i < count {
      s0 += term(x[i])
      i += 1
    }
    return (s0 + s1) + (s2 + s3)
  }

  private static func median(_ a: Float, _ b: Float, _ c: Float) -> Float {
    max(min(a, b), min(max(a, b), c))
  }
}
