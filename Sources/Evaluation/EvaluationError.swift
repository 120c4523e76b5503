import Foundation

/// What can be wrong with sets of features, or with how they shall be compared.
public enum EvaluationError: Error, Sendable, Equatable {
  /// A set with fewer members than a measure needs.
  case tooFew(set: String, measure: String, expected: Int, found: Int)
  /// Two sets whose features aren't of one dimension.
  case differingDimensions(first: String, expected: Int, second: String, found: Int)
  /// NaN or an infinity among the features.
  case notFinite(set: String, row: Int, column: Int, found: Double)
  /// Features without a dimension.
  case noDimension(set: String)
  /// Features of more dimensions than memory is taken for.
  case dimensionTooLarge(set: String, expected: Int, found: Int)
  /// A subset with more members than one of the sets.
  case subsetTooLarge(expected: Int, found: Int)
  /// A setting outside its range.
  case option(name: String, expected: String, found: Int)
  /// A histogram that counts nothing, or less than nothing.
  case histogram(expected: String, found: Int)
  /// Features so large that a measure isn't finite.
  case overflow(measure: String)
  /// LAPACK gave up, which finite numbers that aren't near overflow don't make it do.
  case decomposition(routine: String, code: Int)
}

extension EvaluationError: LocalizedError, CustomStringConvertible {
  public var description: String {
    switch self {
    case .tooFew(let set, let measure, let expected, let found):
      "\(set): expected at least \(expected) images for \(measure), found \(found)"
    case .differingDimensions(let first, let expected, let second, let found):
      "\(second): expected features of dimension \(expected), as \(first) has, found \(found)"
    case .notFinite(let set, let row, let column, let found):
      "\(set): expected finite features, found \(found) in row \(row), column \(column)"
    case .noDimension(let set):
      "\(set): expected features of dimension 1 or more, found 0"
    case .dimensionTooLarge(let set, let expected, let found):
      "\(set): expected features of dimension at most \(expected), found \(found)"
    case .subsetTooLarge(let expected, let found):
      "the subsets must hold at most \(expected) images, as many as the smaller set, found \(found)"
    case .option(let name, let expected, let found):
      "\(name) must be \(expected), found \(found)"
    case .histogram(let expected, let found):
      "a code histogram must have \(expected), found \(found)"
    case .overflow(let measure):
      "\(measure) isn't finite: the features are too large for double precision"
    case .decomposition(let routine, let code):
      "LAPACK's \(routine) failed with code \(code): the features are too large or too small for double precision"
    }
  }

  public var errorDescription: String? { description }
}
