import Foundation
import ModelFiles
import TestSupport
import Testing
import Transformer

/// Aliases of YAML files: what they stand for, and that no more of them are followed than programs write.
@Suite struct YAMLAliasTests {
  private func configuration(_ text: String) throws -> YAMLConfiguration {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("config.yaml")
      try Data(text.utf8).write(to: file)
      return try YAMLConfiguration(contentsOf: file)
    }
  }

  private func expectTooMany(_ text: String, found: Int? = nil, sourceLocation: SourceLocation = #_sourceLocation) {
    let error = #expect(throws: ModelFileError.self, sourceLocation: sourceLocation) { try configuration(text) }
    guard case .invalidConfiguration(_, "", "at most 24 aliases", let count) = error else {
      Issue.record("\(String(describing: error))", sourceLocation: sourceLocation)
      return
    }
    if let found { #expect(count == "\(found)", sourceLocation: sourceLocation) }
  }

  /// Each level's key names the one before twice, 2^levels words, which the YAML library would compare in time exponential in
  /// the file's size.
  @Test(
    arguments: [
      { "l\($0): &l\($0) {? *l\($0 - 1) : 1, ? [*l\($0 - 1), 1] : 2}" },
      { "l\($0): &l\($0)\n  *l\($0 - 1) : 1\n  [*l\($0 - 1), 1] : 2" },
      { "l\($0): &l\($0) {[*l\($0 - 1), *l\($0 - 1)]: 1}" },
      { "? &l\($0) [*l\($0 - 1), *l\($0 - 1)]\n: 1" },
    ] as [@Sendable (Int) -> String])
  func refusesKeysOfAliases(key: @Sendable (Int) -> String) {
    expectTooMany("l0: &l0 [word]\n" + (1...60).map { key($0) + "\n" }.joined())
  }

  /// Aliases of aliases stand for billions of values, as values and as keys.
  @Test(.timeLimit(.minutes(1)), arguments: ["values", "keys"]) func aliasesThatMultiply(place: String) throws {
    var yaml = "a0: &a0 [x, x]\n"
    for level in 1...60 {
      let members =
        place == "values"
        ? "[\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]" : "{*a\(level - 1) : *a\(level - 1)}"
      yaml += "a\(level): &a\(level) \(members)\n"
    }
    let count = place == "values" ? 540 : 120
    expectTooMany(yaml, found: count)
    expectTooMany(yaml + "model: {params: *a60}\n", found: count + 1)
    // As many as are followed.
    let few = yaml.split(separator: "\n").prefix(place == "values" ? 3 : 13).joined(separator: "\n")
    #expect(throws: Never.self) { try configuration(few) }
  }

  /// Numbers, lists, mappings, and aliases of what holds aliases. Keys that are lists don't hinder.
  @Test func readsValuesOfAliases() throws {
    let yaml = """
      numbers: [&two 2, &three 3, &six 6, &eleven 11]
      ? [c, d]
      : &grid [*two, *three]
      shared:
        embedding: &embedding {num_embed: *eleven, spatial_size: *grid}
      model:
        params:
          diffusion_config:
            params:
              diffusion_step: *six
              transformer_config:
                params: {attn_type: self, n_layer: *three, n_embd: *six, n_head: *two, content_spatial_size: *grid}
              content_emb_config: {params: *embedding}
      """
    let expected = VQDiffusionConfiguration(
      kind: .unconditional, timestepNorm: .layerNorm, layers: 3, width: 6, heads: 2, mlp: .fullyConnected,
      mlpHiddenMultiplier: 4, activation: .gelu, grid: [2, 3], positionTable: [2, 3], positionKind: .embedding,
      codebookSize: 11, timesteps: 6)
    #expect(try MicrosoftConfiguration(configuration(yaml)).denoiser == expected)
  }

  /// Programs that write YAML name a list that occurs twice, in block style, and refer to it.
  @Test func listsWrittenOnceAreReadTwice() throws {
    let yaml = """
      model:
        params:
          diffusion_config:
            params:
              diffusion_step: 8
              mask_weight: &id001
              - 5
              - 3
              transformer_config:
                params:
                  attn_type: self
                  n_layer: 1
                  n_embd: 8
                  n_head: 2
                  content_spatial_size: *id001
              content_emb_config:
                params:
                  num_embed: 14
                  spatial_size: *id001
      """
    let denoiser = try MicrosoftConfiguration(configuration(yaml)).denoiser
    #expect(denoiser.grid == [5, 3] && denoiser.positionTable == [5, 3])
  }
}
