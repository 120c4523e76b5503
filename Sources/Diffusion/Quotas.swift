/// How many positions each step of a mask-counting sampler reveals; the quotas sum to the number of tokens.
package enum Quotas {
  /// Equal shares, up to rounding (Algorithm 1 with N = L / Δz steps for any N in 1…L).
  package static func even(length: Int, steps: Int) -> [Int] {
    differences((0...steps).map { length - length * $0 / steps })
  }

  /// Shares that leave as many masks as the schedule has at the time: after step i, round(L γ̄(s_i) / γ̄(T)) masks with
  /// s_i = T (1 − i/N), and none at the end. A quota may be 0.
  package static func following(_ schedule: MaskAndReplaceSchedule, length: Int, steps: Int) -> [Int] {
    let timesteps = Double(schedule.timesteps)
    return differences(
      (0...steps).map { i in
        masksLeft(at: timesteps * Double(steps - i) / Double(steps), schedule, length: length)
      })
  }

  /// round(L γ̄(t) / γ̄(T)).
  static func masksLeft(at time: Double, _ schedule: MaskAndReplaceSchedule, length: Int) -> Int {
    let share = schedule.cumulativeMask(at: time) / schedule.cumulativeMask(at: Double(schedule.timesteps))
    return Int((Double(length) * share).rounded())
  }

  private static func differences(_ masksLeft: [Int]) -> [Int] {
    zip(masksLeft, masksLeft.dropFirst()).map { $0 - $1 }
  }
}
