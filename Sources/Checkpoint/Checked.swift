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
}
