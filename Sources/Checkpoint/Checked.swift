/// Arithmetic whose result is nil from the first overflow on.
enum Checked {
  static func product(_ a: Int?, _ b: Int?) -> Int? {
    guard let a, let b else { return nil }
    let (value, isTooLarge) = a.multipliedReportingOverflow(by: b)
    return isTooLarge ? nil : value
  }

  static func sum(_ a: Int?, _ b: Int?) -> Int? {
    guard let a, let b else { return nil }
    let (value, isTooLarge) = a.addingReportingOverflow(b)
    return isTooLarge ? nil : value
  }

  /// Bytes of a tensor with dimensions ≥ 0.
  ///
  /// A dimension of 0 doesn't excuse the others: nil too where those overflow, so that the product of any of them can be taken
  /// unchecked.
  static func byteCount(_ shape: [Int], elementSize: Int) -> Int? {
    guard let others = shape.filter({ $0 != 0 }).reduce(elementSize, product) else { return nil }
    return shape.contains(0) ? 0 : others
  }
}
