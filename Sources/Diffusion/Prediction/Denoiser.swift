import Tensor

/// A network that predicts the clean image from a noisy one: logits of p(x_0 | x_t, condition).
public protocol Denoiser: Sendable {
  /// What an image is conditioned on, for example a class.
  associatedtype Condition: Hashable & Sendable

  /// K, the number of codes; the index of [MASK] in `tokens`.
  var codes: Int { get }

  /// Logits [B, L, K] of the clean codes, finite, up to a constant per position.
  ///
  /// A row's logits must not depend on the other rows of the batch, so that an image doesn't depend on its company.
  ///
  /// - Parameters:
  ///   - tokens: B × L tokens in 0…K, row by row.
  ///   - length: L.
  ///   - timesteps: B timestep indices, counted from 0.
  ///   - conditions: B conditions.
  /// - Throws: `CancellationError` when it was asked to stop, or what the network throws.
  func logits(tokens: [Int32], length: Int, timesteps: [Int], conditions: [Condition]) throws -> FloatTensor

  /// The rows of some positions only, [Σ_b positions_b, K], image after image: the same numbers as `logits(tokens:…)` has there.
  ///
  /// - Parameter positions: B lists of positions in 0…L − 1.
  func logits(
    tokens: [Int32], length: Int, timesteps: [Int], conditions: [Condition], positions: [[Int]]
  ) throws -> FloatTensor
}

extension Denoiser {
  /// Computes all rows and picks those asked for.
  public func logits(
    tokens: [Int32], length: Int, timesteps: [Int], conditions: [Condition], positions: [[Int]]
  ) throws -> FloatTensor {
    let all = try logits(tokens: tokens, length: length, timesteps: timesteps, conditions: conditions)
    let expected = [timesteps.count, length, codes]
    guard all.shape == expected else { throw DiffusionError.logitsShape(expected: expected, found: all.shape) }
    return all.rows(positions.enumerated().flatMap { image, positions in positions.map { image * length + $0 } })
  }
}
