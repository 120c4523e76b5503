extension Sampler {
  /// The state that an image starts from.
  ///
  /// - Parameter image: number that names the image's noise.
  /// - Throws: `startLength`, `startToken`, `gridStart`.
  package func initialState(
    from start: SamplingStart = .noise, image: Int, noise: some NoiseSource
  ) throws(DiffusionError) -> SamplingState {
    var state = SamplingState(tokens: Array(repeating: Int32(corruption.codes), count: length), image: image)
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
        if corruption.hasMasks {
          state.tokens[position] = code
        } else {
          draw(&state, at: [position], noise: noise) { corruption.writeCorruption(of: code, at: plan.start, into: $1) }
        }
      }
    case .noised(let tokens):
      try check(tokens)
      drawNoised(&state, from: tokens, noise: noise)
    }
    return state
  }

  private func check(_ tokens: [Int32?]) throws(DiffusionError) {
    guard tokens.count == length else { throw .startLength(expected: length, found: tokens.count) }
    for (position, token) in tokens.enumerated() {
      if let token, token < 0 || Int(token) >= corruption.codes {
        throw .startToken(codes: corruption.codes, position: position, found: token)
      }
    }
  }

  /// Whether the noise holds codes, which are pure noise at T only. Masks tell nothing about x_0 at any time, so p(x_0 | x_t)
  /// of masks alone is the same wherever sampling starts.
  private var noiseHasCodes: Bool { redrawsCodes && corruption.startMasks < 1 }

  /// - Throws: `gridStart` if sampling would take codes that are noise at T for those of an earlier time.
  private func checkNoiseStart() throws(DiffusionError) {
    guard noiseHasCodes, plan.start != corruption.timesteps else { return }
    throw .gridStart(expected: corruption.timesteps, found: plan.start)
  }

  private func drawStart(_ state: inout SamplingState, at positions: [Int], noise: some NoiseSource) {
    guard noiseHasCodes else { return }
    draw(&state, at: positions, noise: noise) { _, law in corruption.writeStart(into: law) }
  }

  /// Noises a clean image up to the plan's start: by q(x_t | x_0) for samplers that redraw codes, by masks alone for the
  /// others.
  private func drawNoised(_ state: inout SamplingState, from tokens: [Int32], noise: some NoiseSource) {
    if countsMasks {
      // With the same numbers as the first step's race, all masked positions would have large ones there.
      let chosen = choose(
        plan.masks, scores: Array(repeating: 1, count: length), of: state, noise: noise, purpose: .corruption)
      state.tokens = tokens
      for position in chosen { state.tokens[position] = Int32(corruption.codes) }
    } else {
      let masked = Float(corruption.cumulative(at: plan.start).mask)
      draw(&state, at: Array(0..<length), noise: noise) { position, law in
        if redrawsCodes {
          corruption.writeCorruption(of: tokens[position], at: plan.start, into: law)
        } else {
          law.update(repeating: 0)
          law[Int(tokens[position])] = 1 - masked
          law[corruption.codes] = masked
        }
      }
    }
  }

  private func draw(
    _ state: inout SamplingState, at positions: [Int], noise: some NoiseSource,
    writeLaw: (Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: corruption.codes + 1) { law in
      for position in positions {
        writeLaw(position, law)
        let key = state.key(.corruption, position: position)
        state.tokens[position] = Int32(noise.categorical(UnsafeBufferPointer(law), key: key))
      }
    }
  }
}
