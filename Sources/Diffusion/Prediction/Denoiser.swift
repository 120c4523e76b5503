import Tensor

/// A network that predicts the clean image from a noisy one: logits of p(x_0 | x_t, condition).
public protocol Denoiser: Sendable {
  /// Condition of an image, for example a class.
  associatedtype Condition: Hashable & Sendable

  /// K, the number of codes; the index of [MASK] in `tokens`.
  var codes: Int { get }
  /// Whether logits depend on the timestep; true by default. Requests to a denoiser that doesn't read it all have timestep 0.
  var readsTimestep: Bool { get }

  /// Logits [B, L, K] of the clean codes, finite, up to a constant per position.
  ///
  /// A sequence's logits must not depend on the others in the batch, so that an image doesn't depend on its batch.
  ///
  /// - Parameters:
  ///   - tokens: B × L tokens in 0…K, row by row.
  ///   - length: L.
  ///   - timesteps: B timestep indices, counted from 0.
  ///   - conditions: B conditions.
  /// - Throws: `CancellationError` after a cancellation; errors of the network.
  func logits(tokens: [Int32], length: Int, timesteps: [Int], conditions: [Condition]) throws -> FloatTensor

  /// Logits of some positions only, [Σ_b positions_b, K], image after image; equal to those of `logits(tokens:…)`.
  ///
  /// - Parameter positions: B lists of positions in 0…L − 1.
  func logits(
    tokens: [Int32], length: Int, timesteps: [Int], conditions: [Condition], positions: [[Int]]
  ) throws -> FloatTensor
}

extension Denoiser {
  public var readsTimestep: Bool { true }

  /// Computes all logits and picks the requested rows.
  public func logits(
    tokens: [Int32], length: Int, timesteps: [Int], conditions: [Condition], positions: [[Int]]
  ) throws -> FloatTensor {
    let all = try logits(tokens: tokens, length: length, timesteps: timesteps, conditions: conditions)
    let expected = [timesteps.count, length, codes]
    guard all.shape == expected else { throw DiffusionError.logitsShape(expected: expected, found: all.shape) }
    return all.rows(positions.enumerated().flatMap { image, positions in positions.map { image * length + $0 } })
  }
}
