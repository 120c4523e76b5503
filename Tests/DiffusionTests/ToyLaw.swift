import Diffusion
import Foundation
import Tensor

/// A law over all sequences of L codes, small enough to be written out.
struct ToyLaw: Sendable {
  let codes: Int
  let length: Int
  /// K^L probabilities; the last position changes fastest.
  let probabilities: [Double]

  init(codes: Int, length: Int, probabilities: [Double]) {
    (self.codes, self.length, self.probabilities) = (codes, length, probabilities)
  }

  /// An irregular law under which no token is independent of another.
  init(codes: Int, length: Int, seed: UInt64 = 3) {
    var uniforms = Uniforms(seed: seed)
    let sequences = (0..<length).reduce(1) { count, _ in count * codes }
    self.init(codes: codes, length: length, probabilities: uniforms.distribution(sequences, sharpness: 1.3))
  }

  /// Tokens that tend to equal their neighbours, irregularly.
  static func attractive(codes: Int, length: Int) -> ToyLaw {
    let irregular = ToyLaw(codes: codes, length: length, seed: 8)
    let masses = irregular.probabilities.enumerated().map { number, probability in
      let tokens = irregular.sequence(number)
      return pow(probability, 0.3) * exp(1.5 * Double(zip(tokens, tokens.dropFirst()).count { $0 == $1 }))
    }
    let total = masses.reduce(0, +)
    return ToyLaw(codes: codes, length: length, probabilities: masses.map { $0 / total })
  }

  /// AA and BB, each 1/2.
  static let equalPair = ToyLaw(codes: 2, length: 2, probabilities: [0.5, 0, 0, 0.5])

  /// The tokens of the sequence with this number; numbers of states with masks count in base K + 1.
  func sequence(_ number: Int, base: Int? = nil) -> [Int] {
    let base = base ?? codes
    var (rest, tokens) = (number, [Int]())
    for _ in 0..<length {
      tokens.append(rest % base)
      rest /= base
    }
    return tokens.reversed()
  }

  func number(_ tokens: some Sequence<Int>, base: Int? = nil) -> Int {
    tokens.reduce(0) { $0 * (base ?? codes) + $1 }
  }

  /// p(x_0^i = k | x_t) for all i, by Bayes' rule from the joint law; uniform where x_t is impossible.
  func marginals(given tokens: [Int], after corruption: Transition) -> [[Double]] {
    // Where all is masked a code that is still there (a known one) counts as in the limit: only itself can have become it.
    let keep = corruption.keep + corruption.replace == 0 ? 1 : corruption.keep
    var sums = Array(repeating: Array(repeating: 0.0, count: codes), count: length)
    for (number, probability) in probabilities.enumerated() where probability > 0 {
      let clean = sequence(number)
      let joint = zip(clean, tokens).reduce(probability) { product, pair in
        let (code, token) = pair
        return product * (token == codes ? corruption.mask : corruption.replace + (token == code ? keep : 0))
      }
      for position in 0..<length { sums[position][clean[position]] += joint }
    }
    return sums.map { row in
      let total = row.reduce(0, +)
      return row.map { total > 0 ? $0 / total : 1 / Double(codes) }
    }
  }

  /// Σ |p − p'| / 2 against the law of sequences without masks.
  func totalVariation(to other: [[Int]: Double]) -> Double {
    probabilities.indices.reduce(0) { $0 + abs(probabilities[$1] - other[sequence($1), default: 0]) } / 2
  }

  /// Σ p log(p / p').
  func divergence(from other: [[Int]: Double]) -> Double {
    probabilities.indices.reduce(0) { $0 + probabilities[$1] * log(probabilities[$1] / other[sequence($1), default: 0]) }
  }

  /// K^L probabilities of a law of sequences.
  func table(_ law: [[Int]: Double]) -> [Double] { probabilities.indices.map { law[sequence($0), default: 0] } }
}

/// The exact denoiser of a toy law under a corruption: the logarithms of p(x_0^i | x_t).
struct ExactDenoiser: Denoiser {
  let law: ToyLaw
  /// By timestep and by the state's number in base K + 1: L × K logits.
  private let logits: [[[Float]]]

  init(_ law: ToyLaw, _ corruption: any Corruption) {
    self.law = law
    let states = (0..<law.length).reduce(1) { count, _ in count * (law.codes + 1) }
    logits = (1...corruption.timesteps).map { t in
      (0..<states).map { state in
        let tokens = law.sequence(state, base: law.codes + 1)
        // Logits must be finite; e^-80 is never drawn.
        return law.marginals(given: tokens, after: corruption.cumulative(at: t)).joined().map { Float(max(log($0), -80)) }
      }
    }
  }

  var codes: Int { law.codes }

  func logits(tokens: [Int32], length: Int, timesteps: [Int], conditions: [Int]) -> FloatTensor {
    FloatTensor(uninitialized: [timesteps.count, length, codes]) { target in
      for row in timesteps.indices {
        let state = law.number(tokens[row * length..<(row + 1) * length].lazy.map { Int($0) }, base: codes + 1)
        let values = logits[timesteps[row]][state]
        for i in values.indices { target[row * length * codes + i] = values[i] }
      }
    }
  }
}

extension ToyLaw {
  /// How often a sampler with the exact denoiser ends in each of the K^L sequences.
  func counts(
    _ sampler: any Sampler, images: Int, from start: SamplingStart = .noise, seed: UInt64 = 1,
    onStep: (SamplingProgress) throws -> Void = { _ in }
  ) throws -> [Int] {
    let loop = try SamplingLoop(
      denoiser: ExactDenoiser(self, sampler.corruption), sampler: sampler, guidance: nil, noise: PhiloxNoise(seed: seed))
    let tokens = try loop.run(
      from: start, conditions: Array(repeating: 0, count: images), images: Array(0..<images), onStep: onStep)
    return tokens.reduce(into: Array(repeating: 0, count: probabilities.count)) { $0[number($1.lazy.map { Int($0) })] += 1 }
  }
}

/// The corruptions that laws are tested under; all end without a trace of x_0.
enum ToyCorruption: String, CaseIterable, Sendable {
  case strongReplacement, firstPaper, absorbing, uniform, plugIn

  static let masked: [ToyCorruption] = [.strongReplacement, .firstPaper, .absorbing]

  func make(codes: Int, timesteps: Int = 6) throws -> any Corruption {
    switch self {
    case .strongReplacement:
      try MaskAndReplaceCorruption(timesteps: timesteps, codes: codes, alpha1: 0.9, alphaT: 0, gamma1: 0.05, gammaT: 0.6)
    case .firstPaper: try MaskAndReplaceCorruption.firstPaper(timesteps: timesteps, codes: codes)
    case .absorbing: try AbsorbingCorruption(timesteps: timesteps, codes: codes)
    case .uniform: try UniformCorruption(timesteps: timesteps, codes: codes)
    case .plugIn: try UniformCorruption(timesteps: timesteps, codes: codes, reverseRule: .plugIn)
    }
  }
}
