import Tensor
import Testing

/// Numbers that can be compared one by one. `dimensions` is nil where there is no shape beyond the count.
package protocol Numbers {
  var elements: [Double] { get }
  var dimensions: [Int]? { get }
}

extension FloatTensor: Numbers {
  package var elements: [Double] { values.map(Double.init) }
  package var dimensions: [Int]? { shape }
}

extension Array: Numbers where Element: BinaryFloatingPoint {
  package var elements: [Double] { map { Double($0) } }
  package var dimensions: [Int]? { nil }
}

/// The verdict of an elementwise comparison: |actual − expected| ≤ absolute + relative · |expected| at every element.
///
/// NaN is never close. An infinity is close to itself alone. Different shapes, and nothing to compare, are failures.
package struct Closeness: CustomStringConvertible {
  package let isClose: Bool
  /// The worst element, its index and how many others fail.
  package let description: String

  package init(_ actual: some Numbers, _ expected: some Numbers, absolute: Double, relative: Double = 0) {
    let (found, wanted) = (actual.elements, expected.elements)
    if let shape = actual.dimensions, let expectedShape = expected.dimensions, shape != expectedShape {
      (isClose, description) = (false, "expected shape \(expectedShape), found \(shape)")
      return
    }
    guard found.count == wanted.count, !wanted.isEmpty else {
      (isClose, description) = (false, "expected \(wanted.count) elements (at least 1), found \(found.count)")
      return
    }
    var (failures, worst, worstExcess) = (0, 0, -Double.infinity)
    for (index, (a, e)) in zip(found, wanted).enumerated() {
      let excess = Self.excess(a, e, absolute: absolute, relative: relative)
      if !(excess <= 0) { failures += 1 }
      if excess > worstExcess { (worst, worstExcess) = (index, excess) }
    }
    isClose = failures == 0
    let place = Self.index(worst, in: expected.dimensions ?? actual.dimensions)
    let difference = abs(found[worst] - wanted[worst])
    description =
      "\(failures) of \(found.count) elements differ by more than \(absolute) + \(relative)·|expected|; "
      + "worst at \(place): expected \(wanted[worst]), found \(found[worst]), difference \(difference)"
  }

  /// By how much the difference exceeds what is allowed; infinite where no difference can be formed.
  private static func excess(_ a: Double, _ e: Double, absolute: Double, relative: Double) -> Double {
    if a == e { return -absolute }
    guard a.isFinite && e.isFinite else { return .infinity }
    return abs(a - e) - (absolute + relative * abs(e))
  }

  /// A flat row-major position as an index in each dimension.
  private static func index(_ position: Int, in shape: [Int]?) -> [Int] {
    guard let shape else { return [position] }
    var rest = position
    return shape.reversed().map { dimension in
      defer { rest /= dimension }
      return rest % dimension
    }.reversed()
  }
}

/// Expects |actual − expected| ≤ absolute + relative · |expected| at every element (see `Closeness`).
package func expectClose(
  _ actual: some Numbers, _ expected: some Numbers, absolute: Double, relative: Double = 0, _ comment: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let verdict = Closeness(actual, expected, absolute: absolute, relative: relative)
  if !verdict.isClose {
    Issue.record("\(comment.isEmpty ? "" : comment + ": ")\(verdict.description)", sourceLocation: sourceLocation)
  }
}
