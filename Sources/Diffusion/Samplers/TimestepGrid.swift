import Foundation

/// The times that sampling visits, t_0 > t_1 > … > t_N = 0.
public enum TimestepGrid: Sendable, Equatable {
  /// t_i = t_0 (1 − i/N): equal steps.
  case linear
  /// t_i = t_0 cos(π/2 · i/N): small steps first, where everything is still open, large ones at the end.
  case cosine
  /// Times of the caller's, each lower than the one before, in 1…T; 0 follows by itself. From noise with codes in it the first is T.
  case custom([Int])

  /// N + 1 whole times from `start` to 0, each lower than the one before.
  ///
  /// - Parameters:
  ///   - start: t_0 in 1…T.
  ///   - steps: N in 1…t_0; of a custom grid, the number of its times.
  ///   - timesteps: T.
  /// - Throws: `timestepGrid` for a custom grid that doesn't fall or leaves 1…T, `gridSteps` if it has another number of times.
  package func times(from start: Int, steps: Int, timesteps: Int) throws(DiffusionError) -> [Int] {
    switch self {
    case .linear: return (0...steps).map { (2 * start * (steps - $0) + steps) / (2 * steps) }
    case .cosine: return Self.falling((0...steps).map { Double(start) * cos(.pi / 2 * Double($0) / Double(steps)) })
    case .custom(let times):
      let isFalling = zip(times, times.dropFirst()).allSatisfy { $0 > $1 }
      guard isFalling, let first = times.first, let last = times.last, last >= 1, first <= timesteps else {
        throw .timestepGrid(timesteps: timesteps, found: times)
      }
      guard times.count == steps else { throw .gridSteps(expected: times.count, found: steps) }
      return times + [0]
    }
  }

  /// The same times between which steps, as shares of the way; for samplers whose time is continuous.
  ///
  /// - Returns: N + 1 times in units of t, from `start` to 0.
  /// - Throws: as `times(from:steps:timesteps:)`.
  package func continuousTimes(from start: Int, steps: Int, timesteps: Int) throws(DiffusionError) -> [Double] {
    switch self {
    case .linear: (0...steps).map { Double(start) * Double(steps - $0) / Double(steps) }
    case .cosine: (0...steps).map { $0 == steps ? 0 : Double(start) * cos(.pi / 2 * Double($0) / Double(steps)) }
    case .custom: try times(from: start, steps: steps, timesteps: timesteps).map(Double.init)
    }
  }

  /// Rounded to whole numbers of which none comes twice; the first and the last stay.
  private static func falling(_ times: [Double]) -> [Int] {
    let last = times.count - 1
    var whole = times.map { Int($0.rounded()) }
    whole[last] = 0
    // Where steps are shorter than 1 the times are pushed down, never below what the remaining steps need.
    for i in 1..<last where whole[i] >= whole[i - 1] { whole[i] = whole[i - 1] - 1 }
    for i in stride(from: last - 1, through: 1, by: -1) where whole[i] <= whole[i + 1] { whole[i] = whole[i + 1] + 1 }
    return whole
  }
}
