import Checkpoint
import Tensor

/// A codebook that follows the latents as a moving average, without a gradient (van den Oord et al. 2017, "Neural Discrete
/// Representation Learning", appendix A.1), as the public PatchVQGAN trains it.
///
/// With n_k latents of sum s_k at code k, decay d and K codes:
///
///     N_k ← d N_k + (1 − d) n_k        m_k ← d m_k + (1 − d) s_k        n = Σ N_k
///     e_k = m_k / ((N_k + ε)/(n + K ε) · n)
package struct CodebookAverage: Sendable {
  package struct Settings: Sendable, Codable, Equatable {
    package var distance: CodeDistance
    /// d
    package var decay: Double
    /// ε of the Laplace smoothing
    package var epsilon: Double

    package init(distance: CodeDistance = .euclidean, decay: Double = 0.99, epsilon: Double = 1e-5) {
      (self.distance, self.decay, self.epsilon) = (distance, decay, epsilon)
    }
  }

  /// What a batch of latents became, by the codes from before the update.
  package struct Update: Sendable {
    /// The latents as they were compared, [N, D]: normalised with the cosine distance.
    package let latents: FloatTensor
    /// [N]
    package let tokens: [Int32]
    /// The code of each, [N, D].
    package let quantized: FloatTensor
    /// How many latents each code got, [K].
    package let counts: [Int]
    /// The mean of (z_q − z)² over all elements, to be reduced by the encoder.
    package let loss: Double
  }

  package let settings: Settings
  /// e, [K, D]
  package private(set) var codes: FloatTensor
  /// N_k, [K]
  package private(set) var sizes: FloatTensor
  /// m, [K, D]
  package private(set) var sums: FloatTensor

  /// An average that begins with `codes` [K, D].
  ///
  /// - Parameter sizes: N_k, [K], how many latents of a batch are taken to have gone to each so far; nil for one to each.
  /// - Throws: `TrainingError.setting`.
  package init(_ settings: Settings, codes: FloatTensor, sizes: [Float]? = nil) throws(TrainingError) {
    precondition(codes.shape.count == 2 && codes.count > 0, "codes are [K, D], not \(codes.shape)")
    try TrainingError.require("the codebook's decay", settings.decay, "in 0...1") { (0...1).contains($0) }
    try TrainingError.require("the codebook's ε", settings.epsilon, "above 0") { $0 > 0 && $0.isFinite }
    self.settings = settings
    let (count, width) = (codes.shape[0], codes.shape[1])
    let sizes = sizes ?? Array(repeating: 1, count: count)
    precondition(sizes.count == count, "\(sizes.count) sizes of \(count) codes")
    self.codes = codes
    self.sizes = FloatTensor(sizes, shape: [count])
    sums = FloatTensor(codes.values.enumerated().map { $1 * sizes[$0 / width] }, shape: codes.shape)
  }

  /// A saved average of K codes of D numbers: `embedding`, `cluster_size` and `embedding_avg`, as checkpoints name them.
  ///
  /// - Parameter weights: the scope `quantize`.
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, `.wrongElementType`; `TrainingError.setting`.
  package init(_ settings: Settings, _ weights: WeightLoader, codes: Int, dimension: Int) throws {
    try self.init(settings, codes: weights.tensor("embedding", [codes, dimension]))
    sizes = try weights.tensor("cluster_size", [codes])
    sums = try weights.tensor("embedding_avg", [codes, dimension])
  }

  /// The tensors that the saving initialiser reads, each behind a prefix.
  package func stored(prefix: String) -> [StoredTensor] {
    [
      StoredTensor(prefix + "embedding", codes), StoredTensor(prefix + "cluster_size", sizes),
      StoredTensor(prefix + "embedding_avg", sums),
    ]
  }

  /// Quantises latents [N, D], then lets the codes follow them.
  ///
  /// - Throws: `TrainingError.notFinite` for NaN or an infinity among the latents, which would stay in the codebook for ever;
  ///   `.tooFewLatents` if there are none. Then nothing has changed.
  package mutating func update(_ latents: FloatTensor) throws(TrainingError) -> Update {
    let assigned = try assign(latents)
    let quantized = codes.rows(assigned.tokens.map(Int.init))
    let (counts, sums) = assigned.sums(codes: codes.shape[0])
    let distances = assigned.squaredDistances(to: codes)
    let (keep, gain) = (settings.decay, 1 - settings.decay)
    for code in counts.indices { sizes[code] = Float(keep * Double(sizes[code]) + gain * Double(counts[code])) }
    self.sums.withUnsafeMutableBufferPointer { averages in
      for place in averages.indices { averages[place] = Float(keep * Double(averages[place]) + gain * sums[place]) }
    }
    followAverages()
    return Update(
      latents: assigned.latents, tokens: assigned.tokens, quantized: quantized, counts: counts,
      loss: distances.reduce(0, +) / Double(assigned.latents.count))
  }

  private mutating func assign(_ latents: FloatTensor) throws(TrainingError) -> LatentCodes {
    precondition(
      latents.shape.count == 2 && latents.shape[1] == codes.shape[1], "latents \(latents.shape) for codes \(codes.shape)")
    guard latents.shape[0] > 0 else { throw .tooFewLatents(expected: 1, found: 0) }
    try latents.requireFinite("latents")
    guard settings.distance == .cosine else { return LatentCodes(latents, codes: codes, distance: .euclidean) }
    codes = codes.normalizedRows()
    return LatentCodes(latents.normalizedRows(), codes: codes, distance: .cosine)
  }

  /// N_k smoothed, [K].
  package var smoothedSizes: [Double] {
    let sizes = sizes.values.map(Double.init)
    let total = sizes.reduce(0, +)
    return sizes.map { ($0 + settings.epsilon) / (total + Double(sizes.count) * settings.epsilon) * total }
  }

  private mutating func followAverages() {
    let (sizes, width) = (smoothedSizes, codes.shape[1])
    // Nothing was ever counted: there is no average to follow.
    guard sizes.allSatisfy({ $0 > 0 }) else { return }
    let averages = sums
    codes.withUnsafeMutableBufferPointer { codes in
      averages.withUnsafeBufferPointer { averages in
        for place in codes.indices { codes[place] = Float(Double(averages[place]) / sizes[place / width]) }
      }
    }
  }

  /// Puts random latents of the batch in the place of codes that hardly any latent goes to (after Williams et al. 2020,
  /// "Hierarchical Quantized Autoencoders").
  ///
  /// A code is dead where its smoothed size is below `share` of the mean, N/K for a batch of N latents. It starts anew with
  /// that mean as its size, so that it isn't dead again at once. No latent is taken twice; dead codes beyond N stay.
  ///
  /// - Parameters:
  ///   - latents: the batch as it was compared (`Update.latents`), [N, D].
  ///   - share: above 0 and below 1.
  /// - Returns: the codes replaced.
  /// - Throws: `TrainingError.setting`, `.notFinite`.
  @discardableResult
  package mutating func restartDeadCodes(
    below share: Double, from latents: FloatTensor, noise: TrainingNoise, iteration: Int
  ) throws(TrainingError) -> [Int] {
    try TrainingError.require("the share below which codes are dead", share, "above 0 and below 1") { $0 > 0 && $0 < 1 }
    precondition(
      latents.shape.count == 2 && latents.shape[1] == codes.shape[1], "latents \(latents.shape) for codes \(codes.shape)")
    try latents.requireFinite("latents")
    let (count, width) = (latents.shape[0], latents.shape[1])
    let mean = Double(count) / Double(codes.shape[0])
    let dead = smoothedSizes.enumerated().filter { $0.element < share * mean }.map(\.offset)
    let rows = noise.subset(min(dead.count, count), of: count, .codeRestart, iteration: iteration)
    for (code, row) in zip(dead, rows) {
      sizes[code] = Float(mean)
      for column in 0..<width {
        codes[code, column] = latents[row, column]
        sums[code, column] = Float(mean) * latents[row, column]
      }
    }
    return Array(dead.prefix(rows.count))
  }
}
