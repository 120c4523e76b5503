extension Sampler {
  /// The state that an image starts from.
  ///
  /// - Parameter image: names the image's random numbers.
  /// - Throws: `startLength`, `startToken`, `gridStart`.
  package func initialState(
    from start: SamplingStart = .noise, image: Int, noise: some NoiseSource
  ) throws(DiffusionError) -> SamplingState {
    let mask = Int32(kernel.codes)
    var state = SamplingState(tokens: Array(repeating: mask, count: length), image: image)
    switch start {
    case .noise:
      try checkNoiseStart()
      drawStart(&state, at: Array(0..<length), noise: noise)
    case .known(let known):
      try check(known.codes)
      try checkNoiseStart()
      state.known = known
      drawStart(&state, at: (0..<length).filter { known.codes[$0] == nil }, noise: noise)
      for (position, code) in known.codes.enumerated() {
        guard let code else { continue }
        if kernel.hasMasks {
          state.tokens[position] = code
        } else {
          draw(&state, at: [position], noise: noise) { kernel.writeCorruption(of: code, at: plan.start, into: $1) }
        }
      }
    case .noised(let tokens):
      try check(tokens)
      if countsMasks {
        // Not the numbers that the first step orders positions by: those of the masked ones would be the largest.
        let chosen = choose(
          plan.masks, scores: Array(repeating: 1, count: length), of: state, noise: noise, purpose: .corruption)
        state.tokens = tokens
        for position in chosen { state.tokens[position] = mask }
      } else {
        let masked = Float(kernel.cumulative(at: plan.start).mask)
        draw(&state, at: Array(0..<length), noise: noise) { position, weights in
          if redrawsCodes {
            kernel.writeCorruption(of: tokens[position], at: plan.start, into: weights)
          } else {
            weights.update(repeating: 0)
            weights[Int(tokens[position])] = 1 - masked
            weights[kernel.codes] = masked
          }
        }
      }
    }
    return state
  }

  private func check(_ tokens: [Int32?]) throws(DiffusionError) {
    guard tokens.count == length else { throw .startLength(expected: length, found: tokens.count) }
    for (position, token) in tokens.enumerated() {
      if let token, token < 0 || Int(token) >= kernel.codes {
        throw .startToken(codes: kernel.codes, position: position, found: token)
      }
    }
  }

  /// Whether noise has codes among its masks, which are noise at T only. Masks alone say nothing of x_0 at any time, so that
  /// p(x_0 | x_t) is the same wherever sampling starts.
  private var noiseHasCodes: Bool { redrawsCodes && kernel.startMasks < 1 }

  /// - Throws: `gridStart` if codes that are noise at T would be taken for those of an earlier time.
  private func checkNoiseStart() throws(DiffusionError) {
    guard noiseHasCodes, plan.start != kernel.timesteps else { return }
    throw .gridStart(expected: kernel.timesteps, found: plan.start)
  }

  private func drawStart(_ state: inout SamplingState, at positions: [Int], noise: some NoiseSource) {
    guard noiseHasCodes else { return }
    draw(&state, at: positions, noise: noise) { _, weights in kernel.writeStart(into: weights) }
  }

  private func draw(
    _ state: inout SamplingState, at positions: [Int], noise: some NoiseSource,
    law: (Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: kernel.codes + 1) { weights in
      for position in positions {
        law(position, weights)
        let key = state.key(.corruption, position: position)
        state.tokens[position] = Int32(noise.categorical(UnsafeBufferPointer(weights), key: key))
      }
    }
  }
}
