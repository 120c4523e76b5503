import Foundation
import TestSupport
import Testing
import VQDiffusion

/// Aliases in keys, which the YAML library would compare in time exponential in the file's size.
@Suite struct YAMLKeyTests {
  private func configuration(_ text: String) throws -> YAMLConfiguration {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("config.yaml")
      try Data(text.utf8).write(to: file)
      return try YAMLConfiguration(contentsOf: file)
    }
  }

  /// Each level's key names the one before twice: 2^levels words.
  private func levels(_ count: Int = 60, _ key: (Int) -> String) -> String {
    "l0: &l0 [word]\n" + (1...count).map { key($0) + "\n" }.joined()
  }

  @Test(
    arguments: [
      { "l\($0): &l\($0) {? *l\($0 - 1) : 1, ? [*l\($0 - 1), 1] : 2}" },
      { "l\($0): &l\($0)\n  *l\($0 - 1) : 1\n  [*l\($0 - 1), 1] : 2" },
      { "l\($0): &l\($0) {[*l\($0 - 1), *l\($0 - 1)]: 1}" },
      { "? &l\($0) [*l\($0 - 1), *l\($0 - 1)]\n: 1" },
    ] as [@Sendable (Int) -> String])
  func refusesKeysOfAliases(key: @Sendable (Int) -> String) throws {
    let error = try #require(throws: PipelineError.self) { try configuration(levels(60, key)) }
    guard case .invalidConfiguration(_, "", let expected, _) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(expected == "at most 24 aliases")
  }

  @Test func readsValuesOfAliases() throws {
    _ = try configuration(levels(12) { "l\($0): &l\($0) [*l\($0 - 1), *l\($0 - 1)]" })
    _ = try configuration("list: [a, {b: 1}]\n? [c, d]\n: 1\n")
    _ = try configuration("betas: &id001\n- 0.9\nother: *id001\n")
  }
}
