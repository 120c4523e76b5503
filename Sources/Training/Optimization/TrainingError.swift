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
  /// Fewer latents than a codebook needs.
  case tooFewLatents(expected: Int, found: Int)
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
      "\(name) must be \(expected), found \(found)"
    case .state(let name, let expected, let found):
      "\(name): expected \(expected), found \(found)"
    case .tooFewLatents(let expected, let found):
      "expected at least \(expected) latents, found \(found)"
    case .notFinite(let what, let row, let column, let found):
      "\(what): expected finite numbers, found \(found) in row \(row), column \(column)"
    }
  }

  public var errorDescription: String? { description }

  /// - Throws: `.setting` where `holds` is false.
  static func require(
    _ name: String, _ value: Double, _ expected: String, _ holds: (Double) -> Bool
  ) throws(TrainingError) {
    guard holds(value) else { throw .setting(name: name, expected: expected, found: value) }
  }
}
