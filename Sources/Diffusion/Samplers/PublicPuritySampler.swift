/// The public code's reading of Algorithms 1 and 2 (microsoft/VQ-Diffusion, "prior rule" 1 and 2). It differs from the paper:
///
/// - the score is purity divided by its maximum over all positions, plus 1e-10;
/// - each timestep has a target of positions to reveal, and a limit splits it over several evaluations at that timestep,
///   never leaving a single position over for the last of them;
/// - timestep 0 draws every token anew from the posterior, revealed ones included.
///
/// The public code adds 1 to all scores if those of its whole batch sum to less than 1e-6. The largest score is 1, so that
/// can't happen. Without the rule images don't depend on each other.
package struct PublicPuritySampler: Sampler {
  /// Choice of positions and sharpening of codes.
  package enum Rule: Sendable, Equatable {
    /// Rule 1: masked positions with equal probability; codes from p(x_0).
    case uniform
    /// Rule 2: masked positions by score; codes from softmax((1 + score · weight) log p(x_0)).
    case purity(weight: Double)

    /// The weight of rule 2; 0 in rule 1, which leaves predictions as they are.
    var weight: Double {
      switch self {
      case .uniform: 0
      case .purity(let weight): weight
      }
    }
  }

  private struct Evaluation {
    var timestep: Int
    /// Positions to reveal.
    var count: Int
  }

  package let plan: SamplingPlan
  private let rule: Rule
  private let reveals: [Evaluation]
  private let lastTime: Int
  private let lastPosterior: Posterior

  /// The sampler for any number of steps: times spread evenly from T to 1, targets that follow the schedule's share of masks.
  ///
  /// The public code has lists for 1024 tokens and 10, 25, 50 or 100 timesteps only.
  ///
  /// - Parameters:
  ///   - plan: 1…t_0 steps. A step whose target is 0 costs no evaluation.
  ///   - limit: largest number of positions per evaluation.
  /// - Throws: `needsMasks`, `steps`, `purityWeight`, `revealLimit`.
  package init(_ plan: SamplingPlan, rule: Rule, limit: Int? = nil) throws(DiffusionError) {
    let method = SamplingMethod.purityReference(weight: rule.weight)
    try plan.checkMasks(for: method)
    try plan.checkSteps(upToStartFor: method)
    let (steps, last) = (plan.steps, plan.start)
    // t_0, …, 1: the image has (almost) no masks at the last one.
    let times =
      steps == 1
      ? [last] : try TimestepGrid.linear.times(from: last - 1, steps: steps - 1, timesteps: last).map { $0 + 1 }
    let left = times.map { Quotas.masksLeft(of: plan, at: Double($0)) }
    let targets = zip(times, zip(left, left.dropFirst())).map { (time: $0, count: $1.0 - $1.1) }
    try self.init(plan, rule: rule, limit: limit, byTime: targets, lastTime: times[steps - 1])
  }

  /// The sampler that visits every timestep, with given targets.
  ///
  /// - Parameters:
  ///   - targets: T numbers for the network's timesteps 0…T − 1; entry 0 is unused.
  ///   - limit: largest number of positions per evaluation.
  /// - Throws: `needsMasks`, `purityWeight`, `revealTargets`, `revealLimit`.
  package init(_ plan: SamplingPlan, targets: [Int], rule: Rule, limit: Int? = nil) throws(DiffusionError) {
    try plan.checkMasks(for: .purityReference(weight: rule.weight))
    guard targets.count == plan.corruption.timesteps, targets.allSatisfy({ $0 >= 0 }),
      targets.dropFirst().reduce(0, +) <= plan.length
    else { throw .revealTargets(timesteps: plan.corruption.timesteps, length: plan.length, found: targets) }
    let byTime = targets.indices.dropFirst().reversed().map { (time: $0 + 1, count: targets[$0]) }
    try self.init(plan, rule: rule, limit: limit, byTime: byTime, lastTime: 1)
  }

  private init(
    _ plan: SamplingPlan, rule: Rule, limit: Int?, byTime targets: [(time: Int, count: Int)], lastTime: Int
  ) throws(DiffusionError) {
    if let limit, limit < 1 { throw .revealLimit(found: limit) }
    try PuritySampler.check(weight: rule.weight)
    self.plan = plan
    self.rule = rule
    self.lastTime = lastTime
    reveals = targets.flatMap { target in
      Self.split(target.count, limit: limit ?? plan.length).map { Evaluation(timestep: target.time - 1, count: $0) }
    }
    lastPosterior = Posterior(plan.corruption, from: lastTime, to: 0)
  }

  package var evaluations: Int { reveals.count + 1 }
  package var countsMasks: Bool { true }

  package func timestep(of state: SamplingState) -> Int? {
    if state.evaluations < reveals.count { return reveals[state.evaluations].timestep }
    return state.evaluations == reveals.count ? lastTime - 1 : nil
  }

  package func advance(_ state: inout SamplingState, prediction: Prediction, noise: some NoiseSource) {
    if state.evaluations < reveals.count {
      let scores = scores(prediction)
      let eligible = state.tokens.indices.map { isMask(state.tokens[$0]) ? scores[$0] : 0 }
      let chosen = choose(reveals[state.evaluations].count, scores: eligible, of: state, noise: noise)
      reveal(chosen, of: &state, prediction: prediction, noise: noise) { 1 + scores[$0] * Float(rule.weight) }
    } else {
      redraw(&state, posterior: lastPosterior, to: 0, prediction: prediction, noise: noise)
    }
    state.evaluations += 1
  }

  /// The score of every position, masked or not.
  package func scores(_ prediction: Prediction) -> [Float] {
    guard case .purity = rule else { return Array(repeating: 1, count: length) }
    let purity = (0..<length).map { prediction.purity(at: $0) }
    let largest = purity.max() ?? 0
    return purity.map { $0 / (largest + 1e-10) }
  }

  /// Portions of at most `limit`. The last one is larger by one where a single position would remain.
  private static func split(_ target: Int, limit: Int) -> [Int] {
    var portions: [Int] = []
    var left = target
    while left > 0 {
      let portion = left - min(left, limit) == 1 ? left : min(left, limit)
      portions.append(portion)
      left -= portion
    }
    return portions
  }
}
