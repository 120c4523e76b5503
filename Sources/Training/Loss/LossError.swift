/// What can be wrong with a batch that a loss is asked for.
package enum LossError: Error, Equatable, CustomStringConvertible {
  /// Arrays or logits whose sizes don't belong together.
  case shape(of: String, expected: [Int], found: [Int])
  /// An image's token that isn't a code.
  case code(codes: Int, index: Int, found: Int32)
  /// A corrupted token that is neither a code nor the mask.
  case token(codes: Int, index: Int, found: Int32)
  /// A timestep outside 0…T − 1.
  case timestep(timesteps: Int, sample: Int, found: Int)
  /// A probability of a timestep outside (0, 1], or a weight that is negative or not finite.
  case number(name: String, allowed: String, found: Double)
  /// Infinite or NaN logits.
  case logitsNotFinite(sample: Int, position: Int)

  package var description: String {
    switch self {
    case .shape(let of, let expected, let found): "\(of) must have shape \(expected), found \(found)"
    case .code(let codes, let index, let found): "token \(index) of the images must be a code in 0..<\(codes), found \(found)"
    case .token(let codes, let index, let found):
      "corrupted token \(index) must lie in 0...\(codes), \(codes) being the mask; found \(found)"
    case .timestep(let timesteps, let sample, let found):
      "the timestep of sample \(sample) must lie in 0..<\(timesteps), found \(found)"
    case .number(let name, let allowed, let found): "\(name) must lie in \(allowed), found \(found)"
    case .logitsNotFinite(let sample, let position):
      "the logits of sample \(sample) at position \(position) are infinite or NaN"
    }
  }
}
