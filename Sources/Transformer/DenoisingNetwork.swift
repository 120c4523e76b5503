import Tensor

/// A denoising network p_θ(x̃_0 | x_t, y): tokens and a condition to logits of the clean tokens.
///
/// A family of networks is a folder of this module, or a type of another package. Samplers, the pipeline, training and the
/// benchmarks know this protocol alone.
///
/// A sequence's logits must not depend on the other sequences of the batch, nor on the number of threads: images would otherwise
/// depend on the batch that they are made in. Several threads may call a network at a time.
public protocol DenoisingNetwork: Sendable {
  /// Properties that samplers and the pipeline depend on; they don't change.
  var facts: NetworkFacts { get }

  /// Logits of every position: [B, L, K], or [B, L, K + 1] with a logit for [MASK].
  ///
  /// - Parameter checkCancellation: called between layers; what it throws ends the evaluation.
  /// - Throws: `TransformerError` for input out of range (see `NetworkFacts.check`); what `checkCancellation` throws.
  func logits(_ input: NetworkInput, checkCancellation: () throws -> Void) throws -> FloatTensor

  /// Logits of some positions of each sequence, with the same bits: [Σ_b positions_b, K or K + 1], sequence after sequence.
  ///
  /// Computes all positions unless a network does better.
  ///
  /// - Parameter positions: B lists of positions in 0..<L.
  func logits(
    _ input: NetworkInput, at positions: [[Int]], checkCancellation: () throws -> Void
  ) throws -> FloatTensor
}

/// The input of one evaluation: B sequences of L tokens.
public struct NetworkInput: Sendable {
  /// x_t, B × L flattened, 0…K.
  public var tokens: [Int32]
  /// B indices in 0..<T, the paper's t − 1; ignored by networks that don't read the timestep.
  public var timesteps: [Int]
  /// B conditions. Equal texts are best the same object, which keeps what was computed from it.
  public var conditions: [NetworkCondition]

  public init(tokens: [Int32], timesteps: [Int], conditions: [NetworkCondition]) {
    (self.tokens, self.timesteps, self.conditions) = (tokens, timesteps, conditions)
  }
}

extension DenoisingNetwork {
  /// - Throws: as `logits(_:checkCancellation:)`; `TransformerError.wrongLogits`.
  public func logits(
    _ input: NetworkInput, at positions: [[Int]], checkCancellation: () throws -> Void
  ) throws -> FloatTensor {
    let length = facts.length
    let all = try logits(input, checkCancellation: checkCancellation)
    try facts.check(all, rows: [positions.count, length])
    return all.rows(positions.enumerated().flatMap { sequence, positions in positions.map { sequence * length + $0 } })
  }

  /// Logits of the K codes, without those of [MASK], which no clean image holds: [B, L, K], or [Σ_b positions_b, K] of some positions.
  ///
  /// - Throws: as `logits`; `TransformerError.wrongLogits`.
  package func codeLogits(
    _ input: NetworkInput, at positions: [[Int]]? = nil, checkCancellation: () throws -> Void = {}
  ) throws -> FloatTensor {
    let facts = facts
    let logits: FloatTensor
    if let positions {
      logits = try self.logits(input, at: positions, checkCancellation: checkCancellation)
      try facts.check(logits, rows: [positions.reduce(0) { $0 + $1.count }])
    } else {
      logits = try self.logits(input, checkCancellation: checkCancellation)
      try facts.check(logits, rows: [input.conditions.count, facts.length])
    }
    return facts.hasMaskLogit ? logits.withoutLastColumn() : logits
  }

  /// Logits of every position, without a way to stop.
  public func logits(_ input: NetworkInput) throws -> FloatTensor { try logits(input) {} }
}

extension FloatTensor {
  /// [..., n + 1] as [..., n].
  fileprivate func withoutLastColumn() -> FloatTensor {
    let width = (shape.last ?? 1) - 1
    return withUnsafeBufferPointer { source in
      FloatTensor(uninitialized: shape.dropLast() + [width]) { target in
        for row in 0..<count / (width + 1) {
          for column in 0..<width { target[row * width + column] = source[row * (width + 1) + column] }
        }
      }
    }
  }
}
