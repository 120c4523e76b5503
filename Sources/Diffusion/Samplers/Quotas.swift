import Foundation

/// Numbers of positions that the steps of a mask-counting sampler reveal. They sum to the masks at the start; some may be 0.
package enum Quotas {
  /// Equal shares, up to rounding (Algorithm 1 with N = L / Δz steps for any N in 1…L).
  package static func even(length: Int, steps: Int) -> [Int] {
    differences((0...steps).map { length - length * $0 / steps })
  }

  /// Shares that follow the schedule: after step i, round(M γ̄(s_i) / γ̄(t_0)) of M masks are left, with s_i = t_0 (1 − i/N),
  /// and none at the end.
  package static func following(_ plan: SamplingPlan) -> [Int] {
    let start = Double(plan.start)
    return differences(
      (0...plan.steps).map { i in
        masksLeft(of: plan, at: start * Double(plan.steps - i) / Double(plan.steps))
      })
  }

  /// round(M γ̄(t) / γ̄(t_0)).
  static func masksLeft(of plan: SamplingPlan, at time: Double) -> Int {
    let share = plan.corruption.cumulativeMask(at: time) / plan.corruption.cumulativeMask(at: Double(plan.start))
    return Int((Double(plan.masks) * share).rounded())
  }

  /// Shares that leave ⌊M left(i/N)⌋ of M masks after step i, and none at the end.
  static func leaving(_ plan: SamplingPlan, _ left: (Double) -> Double) -> [Int] {
    differences(
      (0...plan.steps).map { i in
        switch i {
        case 0: plan.masks
        case plan.steps: 0
        default: Int(Double(plan.masks) * left(Double(i) / Double(plan.steps)))
        }
      })
  }

  private static func differences(_ masksLeft: [Int]) -> [Int] {
    zip(masksLeft, masksLeft.dropFirst()).map { $0 - $1 }
  }
}
