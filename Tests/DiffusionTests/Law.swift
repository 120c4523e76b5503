/// A law over states.
typealias Law<State: Hashable> = [State: Double]

/// The law after one more random step.
func spread<A: Hashable, B: Hashable>(_ law: Law<A>, _ step: (A) -> Law<B>) -> Law<B> {
  var result: Law<B> = [:]
  for (state, probability) in law {
    for (next, share) in step(state) where share > 0 { result[next, default: 0] += probability * share }
  }
  return result
}

/// The law of independent draws, one per list.
func independent<T: Hashable>(_ laws: [Law<T>]) -> Law<[T]> {
  laws.reduce([[]: 1]) { done, law in spread(done) { start in .init(uniqueKeysWithValues: law.map { (start + [$0], $1) }) } }
}

/// The sets of `count` positions drawn one after another, each with probability proportional to its score among those left.
func successiveDraws(_ count: Int, scores: [Int: Double]) -> Law<Set<Int>> {
  (0..<count).reduce([[]: 1]) { law, _ in
    spread(law) { chosen in
      let left = scores.filter { $0.value > 0 && !chosen.contains($0.key) }
      let total = left.values.reduce(0, +)
      return left.reduce(into: [:]) { $0[chosen.union([$1.key])] = $1.value / total }
    }
  }
}
