import FuzzKit
import TestSupport
import Testing

/// The short version of the fuzzing that CONTRIBUTING.md tells of.
@Suite struct FuzzingTests {
  @Test(arguments: try FuzzTargets.all().map(\.name))
  func damagedFilesAreRefusedOrRead(format: String) throws {
    let target = try #require(FuzzTargets.all().first { $0.name == format })
    let report = try withTemporaryFolder { folder in
      try FuzzRun(target, seed: 2026, limits: .shared).run(0..<1000, in: folder)
    }
    #expect(report.count == 1000)
    #expect(report.sharePastFirstCheck >= 0.5, "\(report)")
    #expect(report.findings["accepted", default: 0] > 0, "\(report)")
    #expect(report.findings.count > 1, "\(report)")
  }

  @Test func mutantsFollowFromSeedAndIndex() throws {
    for target in try FuzzTargets.all() {
      var (first, again, other) = (
        FuzzRandom(seed: 3, index: 5), FuzzRandom(seed: 3, index: 5), FuzzRandom(seed: 3, index: 6)
      )
      let bytes = target.mutant(&first)
      #expect(target.mutant(&again) == bytes, "\(target.name)")
      #expect(target.mutant(&other) != bytes, "\(target.name)")
    }
  }
}
