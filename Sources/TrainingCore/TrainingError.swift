import Foundation

/// What can be wrong with what a trainer is given.
public enum TrainingError: Error, Sendable, Equatable {
  /// A name that two parameters bear.
  case duplicateParameter(name: String)
  /// A parameter that another set of the same parameters (gradients, moments, an average) lacks.
  case missing(what: String, parameter: String)
  /// A tensor that belongs to no parameter.
  case unknown(what: String, parameter: String)
  /// A tensor of another shape than its parameter.
  case differingShape(what: String, parameter: String, expected: [Int], found: [Int])
  /// A setting outside its range.
  case setting(name: String, expected: String, found: Double)
  /// A saved state that doesn't fit.
  case state(name: String, expected: String, found: String)
  /// A family of networks without a forward pass for training.
  case untrainable(family: String)
  /// Fewer latents than a codebook needs.
  case tooFewLatents(expected: Int, found: Int)
  /// Arrays or logits of a loss whose sizes don't belong together.
  case shape(of: String, expected: [Int], found: [Int])
  /// An image's token that isn't a code.
  case code(codes: Int, index: Int, found: Int32)
  /// A corrupted token that is neither a code nor the mask.
  case token(codes: Int, index: Int, found: Int32)
  /// A timestep outside 0…T − 1.
  case timestep(timesteps: Int, sample: Int, found: Int)
  /// Infinite or NaN logits.
  case logitsNotFinite(sample: Int, position: Int)
  /// NaN or an infinity among latents.
  case notFinite(what: String, row: Int, column: Int, found: Float)
}

extension TrainingError: LocalizedError, CustomStringConvertible {
  public var description: String {
    switch self {
    case .duplicateParameter(let name):
      "expected parameters of different names, found two by the name \(name)"
    case .missing(let what, let parameter):
      "\(what): expected a tensor for the parameter \(parameter), found none"
    case .unknown(let what, let parameter):
      "\(what): expected tensors for known parameters only, found \(parameter)"
    case .differingShape(let what, let parameter, let expected, let found):
      "\(what): expected shape \(expected) for the parameter \(parameter), found \(found)"
    case .setting(let name, let expected, let found):
      "\(name) must be \(expected), found \(Int(exactly: found).map { "\($0)" } ?? "\(found)")"
    case .state(let name, let expected, let found):
      "\(name): expected \(expected), found \(found)"
    case .untrainable(let family):
      "models of the family \(family) can't be trained; choose another model"
    case .tooFewLatents(let expected, let found):
      "expected at least \(expected) latents, found \(found)"
    case .shape(let of, let expected, let found):
      "\(of) must have shape \(expected), found \(found)"
    case .code(let codes, let index, let found):
      "token \(index) of the images must be a code in 0..<\(codes), found \(found)"
    case .token(let codes, let index, let found):
      "corrupted token \(index) must lie in 0...\(codes), \(codes) being the mask; found \(found)"
    case .timestep(let timesteps, let sample, let found):
      "the timestep of sample \(sample) must lie in 0..<\(timesteps), found \(found)"
    case .logitsNotFinite(let sample, let position):
      "the logits of sample \(sample) at position \(position) are infinite or NaN"
    case .notFinite(let what, let row, let column, let found):
      "\(what): expected finite numbers, found \(found) in row \(row), column \(column)"
    }
  }

  public var errorDescription: String? { description }

  /// - Throws: `.setting` where `holds` is false.
  package static func require(
    _ name: String, _ value: Double, _ expected: String, _ holds: (Double) -> Bool
  ) throws(TrainingError) {
    guard holds(value) else { throw .setting(name: name, expected: expected, found: value) }
  }
}
