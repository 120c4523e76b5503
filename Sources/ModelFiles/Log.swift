import Logging

/// What the library does, at level debug; a program decides with `LoggingSystem` where it goes.
package enum Log {
  package static let logger = Logger(label: "vqdiffusion")

  /// Runs `work` and logs how long it took.
  package static func timed<R>(_ message: Logger.Message, _ metadata: Logger.Metadata = [:], _ work: () throws -> R) rethrows -> R
  {
    let clock = ContinuousClock()
    let start = clock.now
    let result = try work()
    logger.debug(message, metadata: metadata.merging(["took": "\(start.duration(to: clock.now))"]) { $1 })
    return result
  }
}
