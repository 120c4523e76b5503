import Diffusion
import Foundation

extension SamplerOracle {
  private struct Revealed: Hashable {
    var token: Int
    /// ψ, the probability with which it was drawn; 1 for codes that were given, and for masks, where it means nothing.
    var confidence = 1.0
  }

  /// ReMDM over given times, which needn't be whole.
  func remasking(_ remasking: Remasking, times: [Double], from start: Law<Tokens>) -> Law<Tokens> {
    let start = spread(start) { [$0.map { Revealed(token: $0) }: 1] }
    let end = zip(times, times.dropFirst()).reduce(start) { now, step in
      let (alphaT, alphaS) = (1 - cumulativeMask(step.0), 1 - cumulativeMask(step.1))
      let largest = min(1, alphaT > 0 ? (1 - alphaS) / alphaT : 1)
      return spread(now) { state in
        let tokens = state.map(\.token)
        let p = prediction(tokens, at: max(1, Int(step.0.rounded())))
        let doubts = state.map { $0.token == mask ? 0 : exp(-$0.confidence) }
        return independent(
          state.indices.map { position -> Law<Revealed> in
            let sigma =
              switch remasking {
              case .cap(let strength): min(strength, largest)
              case .rescale(let strength): strength * largest
              case .confidence: doubts[position] == 0 ? 0 : largest * doubts[position] / doubts.reduce(0, +)
              }
            if tokens[position] != mask {
              return sigma == 0 ? [state[position]: 1] : [state[position]: 1 - sigma, Revealed(token: mask): sigma]
            }
            let reveal = (alphaS - (1 - sigma) * alphaT) / (1 - alphaT)
            var law: Law<Revealed> = [Revealed(token: mask): 1 - reveal]
            for (code, share) in p[position].enumerated() {
              // Only the confidence rule tells states with other confidences apart.
              law[Revealed(token: code, confidence: remasking == .confidence ? share : 1)] = reveal * share
            }
            return law
          })
      }
    }
    return spread(end) { [$0.map(\.token): 1] }
  }
}

extension SamplerOracle {
  /// t_i = T (1 − i/N), rounded to whole times, halves upwards.
  func linearTimes(_ steps: Int) -> [Int] {
    (0...steps).map { (i: Int) -> Int in (2 * corruption.timesteps * (steps - i) + steps) / (2 * steps) }
  }

  /// The exact law of a method's final tokens on its usual steps.
  ///
  /// - Parameter start: of samplers that reveal masks; the others start from the corruption's noise.
  func law(of method: SamplingMethod, steps: Int, from start: Start? = nil) -> Law<Tokens> {
    let start = start ?? allMasks
    switch method {
    case .ancestral: return ancestral(linearTimes(steps))
    case .stridedReference:
      let last = corruption.timesteps - 1
      func evaluations(_ skip: Int) -> Int { (last + skip) / (skip + 1) + 1 }
      return stridedReference(skip: (0...last).first { evaluations($0) == steps } ?? 0)
    case .fewerTokens: return fewerTokens(steps: steps, from: start)
    case .purity(let weight): return purity(weight: weight, steps: steps, from: start)
    case .purityReference(let weight): return purityReference(weight: weight, steps: steps, from: start)
    case .maskGIT(let temperature): return maskGIT(temperature: temperature, steps: steps, from: start)
    case .halton: return halton(order: Array(0..<law.length), steps: steps, from: start)
    case .remasking(let rule):
      let times = (0...steps).map { i -> Double in Double(start.time) * (1 - Double(i) / Double(steps)) }
      return remasking(rule, times: times, from: start.tokens)
    }
  }
}
