import Foundation

/// What came of a run.
package struct FuzzReport: Sendable, CustomStringConvertible {
  /// What one mutant cost.
  package struct Cost: Sendable {
    package let index: Int
    package let fileSize: Int
    /// Of processor time.
    package let seconds: Double
    /// Bytes at most beyond what was resident at the start.
    package let memory: Int
  }

  package let name: String
  package private(set) var count = 0
  package private(set) var countPastFirstCheck = 0
  /// How often each finding came.
  package private(set) var findings: [String: Int] = [:]
  package private(set) var slowest: Cost?
  package private(set) var greediest: Cost?
  package private(set) var largestFile = 0

  /// The share of mutants that were refused, if at all, for more than their outer structure.
  package var sharePastFirstCheck: Double { count == 0 ? 0 : Double(countPastFirstCheck) / Double(count) }

  init(name: String) { self.name = name }

  mutating func add(_ outcome: FuzzOutcome, _ cost: Cost) {
    count += 1
    if outcome.isPastFirstCheck { countPastFirstCheck += 1 }
    findings[outcome.finding, default: 0] += 1
    largestFile = max(largestFile, cost.fileSize)
    if cost.seconds > slowest?.seconds ?? -1 { slowest = cost }
    if cost.memory > greediest?.memory ?? -1 { greediest = cost }
  }

  package var description: String {
    var lines = [
      "\(name): \(count) mutants of up to \(largestFile) bytes, \(String(format: "%.1f", 100 * sharePastFirstCheck))% past the first check"
    ]
    if let slowest, let greediest {
      lines.append(
        String(format: "  slowest %.3f s (mutant %d), ", slowest.seconds, slowest.index)
          + String(format: "most memory %.1f MiB (mutant %d)", Double(greediest.memory) / 0x1p20, greediest.index))
    }
    let sorted = findings.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    lines.append("  " + sorted.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
    return lines.joined(separator: "\n")
  }
}
