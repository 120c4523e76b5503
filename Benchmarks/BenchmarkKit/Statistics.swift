/// Mean and spread of some measurements.
package struct Statistics: Equatable, Sendable {
  package let mean: Double
  /// √(Σ (x − mean)² / (n − 1)), the sample's; 0 for a single value.
  package let deviation: Double

  /// - Parameter values: at least one.
  package init(_ values: [Double]) {
    precondition(!values.isEmpty, "no values")
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    self.mean = mean
    deviation = values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0
  }
}

/// Nanoseconds that `body` takes, and what it returns.
package func timed<R>(_ body: () throws -> R) rethrows -> (nanoseconds: Double, result: R) {
  let clock = ContinuousClock()
  let start = clock.now
  let result = try body()
  let elapsed = start.duration(to: clock.now).components
  return (Double(elapsed.seconds) * 1e9 + Double(elapsed.attoseconds) * 1e-9, result)
}
