import Foundation

/// The times that sampling visits, t_0 > t_1 > … > t_N = 0.
public enum TimestepGrid: Sendable, Equatable {
  /// t_i = t_0 (1 − i/N): equal steps.
  case linear
  /// t_i = t_0 cos(π/2 · i/N): small steps at the start, large ones at the end.
  case cosine
  /// Falling times in 1…T, without the final 0. With noise that holds codes the first must be T.
  case custom([Int])

  /// N + 1 falling whole times from `start` to 0.
  ///
  /// - Parameters:
  ///   - start: t_0 in 1…T.
  ///   - steps: N in 1…t_0; for a custom grid the number of its times.
  ///   - timesteps: T.
  /// - Throws: `timestepGrid` for custom times that don't fall or leave 1…T, `gridSteps` if there are not N of them.
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

  /// The same times unrounded, for samplers with continuous time.
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

  /// The times rounded to distinct whole numbers; the first and the last stay.
  private static func falling(_ times: [Double]) -> [Int] {
    let last = times.count - 1
    var whole = times.map { Int($0.rounded()) }
    whole[last] = 0
    // Where steps are shorter than 1 the times are pushed down, but not below what the remaining steps need.
    for i in 1..<last where whole[i] >= whole[i - 1] { whole[i] = whole[i - 1] - 1 }
    for i in stride(from: last - 1, through: 1, by: -1) where whole[i] <= whole[i + 1] { whole[i] = whole[i + 1] + 1 }
    return whole
  }
}
