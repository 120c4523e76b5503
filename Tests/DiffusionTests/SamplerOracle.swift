import Diffusion
import Foundation

/// The exact laws of the samplers' final tokens with the exact denoiser, by dynamic programming over all (K + 1)^L states in
/// double precision. Written from the papers' definitions; of the sources it uses only ᾱ_t and γ̄_t.
struct SamplerOracle {
  typealias Tokens = [Int]

  let law: ToyLaw
  let corruption: any Corruption
  private let dense: DenseCorruption

  init(_ law: ToyLaw, _ corruption: any Corruption) {
    (self.law, self.corruption, dense) = (law, corruption, DenseCorruption(corruption))
  }

  var mask: Int { law.codes }

  /// What samplers start from that reveal masks.
  struct Start {
    var tokens: Law<Tokens>
    /// M, of those that count them.
    var masks: Int
    /// t_0
    var time: Int
  }

  /// All masks, at T.
  var allMasks: Start { Start(tokens: [Array(repeating: mask, count: law.length): 1], masks: law.length, time: timesteps) }
  private var timesteps: Int { corruption.timesteps }

  func prediction(_ tokens: Tokens, at t: Int) -> [[Double]] {
    law.marginals(given: tokens, after: corruption.cumulative(at: t))
  }

  private func asLaw(_ masses: [Double]) -> Law<Int> {
    let total = masses.reduce(0, +)
    return .init(uniqueKeysWithValues: masses.enumerated().map { ($0, $1 / total) })
  }

  // MARK: Samplers that draw every token

  /// The law that x_T tends to, independent of x_0.
  var noise: Law<Tokens> {
    let end = dense.chain(from: 0, to: timesteps).map { $0[0] }
    return independent(Array(repeating: asLaw(end), count: law.length))
  }

  /// Eq. 5 between given times t_0 > … > 0, started from `start`.
  ///
  /// - Parameter known: codes that are kept: as they are with masks, else corrupted to each time anew.
  func ancestral(_ times: [Int], from start: Law<Tokens>? = nil, known: [Int?]? = nil) -> Law<Tokens> {
    zip(times, times.dropFirst()).reduce(start ?? noise) { now, step in
      redrawn(now, networkTime: step.0, from: step.0, to: step.1, known: known)
    }
  }

  /// The public code's fast sampling: at index i > skip the one-step posterior of index i − skip.
  func stridedReference(skip: Int) -> Law<Tokens> {
    var indices = Array(stride(from: timesteps - 1, through: 0, by: -(skip + 1)))
    if indices.last != 0 { indices.append(0) }
    return indices.reduce(noise) { now, index in
      let reached = index > skip ? index - skip : index
      return redrawn(now, networkTime: index + 1, from: reached + 1, to: reached)
    }
  }

  private func redrawn(_ now: Law<Tokens>, networkTime: Int, from t: Int, to s: Int, known: [Int?]? = nil) -> Law<Tokens> {
    let posterior = dense.posterior(from: t, to: s)
    let corrupted = dense.chain(from: 0, to: s)
    return spread(now) { tokens in
      let p = prediction(tokens, at: networkTime)
      return independent(
        tokens.indices.map { position in
          guard let code = known?[position] else { return asLaw(posterior(tokens[position], p[position])) }
          return corruption.hasMasks ? [code: 1] : asLaw(corrupted.map { $0[code] })
        })
    }
  }

  // MARK: Samplers that count masks

  /// Masks that are left after the steps: from M, how many after each of them.
  enum Left {
    /// ⌈M (1 − i/N)⌉ (Algorithm 1).
    case even
    /// round(M γ̄(t_0 (1 − i/N)) / γ̄(t_0)) (Algorithm 2).
    case schedule
    /// ⌊M cos(π/2 · i/N)⌋ (MaskGIT).
    case cosine
    /// ⌊M (2/π) arccos(i/N)⌋ (Halton).
    case arccosine
  }

  private func left(_ rule: Left, _ start: Start, after i: Int, of steps: Int) -> Int {
    let (masks, time, part) = (start.masks, Double(start.time), Double(i) / Double(steps))
    // Whole numbers must not be missed by rounding.
    let tiny = 1e-9
    if i == steps { return 0 }
    switch rule {
    case .even: return (masks * (steps - i) + steps - 1) / steps
    case .schedule:
      return Int(Double(masks) * cumulativeMask(time * (1 - part)) / cumulativeMask(time) + 0.5 + tiny)
    case .cosine: return Int(Double(masks) * cos(.pi / 2 * part) + tiny)
    case .arccosine: return Int(Double(masks) * 2 / .pi * acos(part) + tiny)
    }
  }

  /// γ̄, straight between whole times.
  func cumulativeMask(_ t: Double) -> Double {
    let (low, high) = (Int(t.rounded(.down)), Int(t.rounded(.up)))
    guard low < high else { return corruption.cumulative(at: low).mask }
    return corruption.cumulative(at: low).mask * (Double(high) - t) + corruption.cumulative(at: high).mask * (t - Double(low))
  }

  /// argmin_t |masks/L − γ̄_t| over 1…T.
  private func timeByMasks(_ tokens: Tokens) -> Int {
    let share = Double(tokens.count { $0 == mask }) / Double(law.length)
    func distance(_ t: Int) -> Double { abs(share - corruption.cumulative(at: t).mask) }
    return (1...timesteps).min { distance($0) < distance($1) } ?? 1
  }

  /// The law of `tokens` with codes drawn at the chosen positions.
  private func filled(_ tokens: Tokens, _ chosen: Set<Int>, _ masses: (Int) -> [Double]) -> Law<Tokens> {
    independent(tokens.indices.map { chosen.contains($0) ? asLaw(masses($0)) : [tokens[$0]: 1] })
  }

  /// Steps that each reveal some masks. `step` says how, given tokens, prediction, number of masks and the part of the way
  /// done.
  private func revealing(
    _ rule: Left, steps: Int, from start: Start, _ step: (Tokens, [[Double]], Int, Double) -> Law<Tokens>
  ) -> Law<Tokens> {
    (1...steps).reduce(start.tokens) { now, i in
      let count = left(rule, start, after: i - 1, of: steps) - left(rule, start, after: i, of: steps)
      return spread(now) { step($0, prediction($0, at: timeByMasks($0)), count, Double(i) / Double(steps)) }
    }
  }

  private func masked(_ tokens: Tokens) -> [Int] { tokens.indices.filter { tokens[$0] == mask } }

  /// Algorithm 1: positions chosen evenly.
  func fewerTokens(steps: Int, from start: Start) -> Law<Tokens> {
    revealing(.even, steps: steps, from: start) { tokens, p, count, _ in
      let even = Dictionary(uniqueKeysWithValues: masked(tokens).map { ($0, 1.0) })
      return spread(successiveDraws(count, scores: even)) { filled(tokens, $0) { p[$0] } }
    }
  }

  /// Algorithm 2: positions by purity, codes from p^(1 + purity · r).
  func purity(weight: Double, steps: Int, from start: Start) -> Law<Tokens> {
    revealing(.schedule, steps: steps, from: start) { tokens, p, count, _ in
      let purity = Dictionary(uniqueKeysWithValues: masked(tokens).map { ($0, p[$0].max() ?? 0) })
      return spread(successiveDraws(count, scores: purity)) { chosen in
        filled(tokens, chosen) { position in p[position].map { pow($0, 1 + weight * (purity[position] ?? 0)) } }
      }
    }
  }

  /// The public code's Algorithm 2: times from t_0 to 1, scores purity / max purity, everything drawn anew at the last time.
  func purityReference(weight: Double, steps: Int, from start: Start) -> Law<Tokens> {
    let gaps = Double(max(steps - 1, 1))
    let times = (0..<steps).map { 1 + Int(Double(start.time - 1) * (1 - Double($0) / gaps) + 0.5) }
    let left = times.map {
      Int(Double(start.masks) * corruption.cumulative(at: $0).mask / corruption.cumulative(at: start.time).mask + 0.5 + 1e-9)
    }
    var now = start.tokens
    for i in 0..<steps - 1 {
      now = spread(now) { tokens in
        let p = prediction(tokens, at: times[i])
        let largest = p.compactMap { $0.max() }.max() ?? 1
        let scores = Dictionary(uniqueKeysWithValues: masked(tokens).map { ($0, (p[$0].max() ?? 0) / largest) })
        return spread(successiveDraws(left[i] - left[i + 1], scores: scores)) { chosen in
          filled(tokens, chosen) { position in p[position].map { pow($0, 1 + weight * (scores[position] ?? 0)) } }
        }
      }
    }
    return spread(now) { tokens in
      independent(prediction(tokens, at: times[steps - 1]).map { asLaw($0) })
    }
  }

  /// MaskGIT: a candidate for every mask; the best of log p + τ' Gumbel stay, which are successive draws by p^(1/τ').
  func maskGIT(temperature: Double, steps: Int, from start: Start) -> Law<Tokens> {
    revealing(.cosine, steps: steps, from: start) { tokens, p, count, part in
      let open = masked(tokens)
      return spread(independent(open.map { asLaw(p[$0]) })) { candidates in
        let confidence = Dictionary(uniqueKeysWithValues: zip(open, candidates).map { ($0, p[$0][$1]) })
        let annealed = temperature * (1 - part)
        let best = open.sorted { confidence[$0, default: 0] > confidence[$1, default: 0] }
        let chosen: Law<Set<Int>> =
          annealed == 0
          ? [Set(best.prefix(count)): 1] : successiveDraws(count, scores: confidence.mapValues { pow($0, 1 / annealed) })
        let code = Dictionary(uniqueKeysWithValues: zip(open, candidates))
        return spread(chosen) { chosen in [tokens.indices.map { chosen.contains($0) ? code[$0, default: mask] : tokens[$0] }: 1]
        }
      }
    }
  }

  /// Halton: the next positions of an order that each image enters at a place of its own.
  func halton(order: [Int], steps: Int, from start: Start) -> Law<Tokens> {
    let laws = order.indices.map { roll in
      revealing(.arccosine, steps: steps, from: start) { tokens, p, count, _ in
        let next = (order[roll...] + order[..<roll]).filter { tokens[$0] == mask }.prefix(count)
        return filled(tokens, Set(next)) { p[$0] }
      }
    }
    return laws.joined().reduce(into: [:]) { $0[$1.key, default: 0] += $1.value / Double(order.count) }
  }
}
