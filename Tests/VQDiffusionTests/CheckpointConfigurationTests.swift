import Foundation
import ModelFiles
import TestSupport
import Testing
import VQDiffusion

/// YAML files that don't describe a model, each refused with what is wrong and where.
@Suite struct CheckpointConfigurationTests {
  private static let checkpoint = fixtures.appendingPathComponent("checkpoints/imagenet_f32.pth")

  /// The message for a YAML file, less its path.
  private func message(of yaml: Data) throws -> String {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("config.yaml")
      try yaml.write(to: file)
      let error = #expect(throws: ModelFileError.self) {
        try VQDiffusionPipeline.network(ModelLocation(Self.checkpoint, configuration: file))
      }
      let description = try #require(error?.description)
      #expect(description.hasPrefix(file.path + ": "), "\(description)")
      return description.replacingOccurrences(of: file.path + ": ", with: "")
    }
  }

  private func recorded() throws -> String {
    try String(contentsOf: fixtures.appendingPathComponent("checkpoints/config.yaml"), encoding: .utf8)
  }

  private func expect(
    _ text: String, as replacement: String, _ expected: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let yaml = try recorded()
    #expect(yaml.contains(text), sourceLocation: sourceLocation)
    let found = try message(of: Data(yaml.replacingOccurrences(of: text, with: replacement).utf8))
    #expect(found == expected, sourceLocation: sourceLocation)
  }

  private static let network = "model.params.diffusion_config.params.transformer_config.params"

  @Test func fieldsThatAreMissingOrOfAnotherKind() throws {
    try expect("n_layer: 1", as: "", "\(Self.network).n_layer: expected a value, found nothing")
    try expect("n_layer: 1", as: "n_layer: ~", "\(Self.network).n_layer: expected a value, found nothing")
    try expect("n_embd: 8", as: "n_embd: wide", "\(Self.network).n_embd: expected a whole number, found 'wide'")
    try expect("n_embd: 8", as: "n_embd: 8.5", "\(Self.network).n_embd: expected a whole number, found '8.5'")
    try expect("n_embd: 8", as: "n_embd: [8]", "\(Self.network).n_embd: expected a whole number, found a list")
    try expect("n_embd: 8", as: "n_embd: {a: 8}", "\(Self.network).n_embd: expected a whole number, found a mapping")
    try expect(
      "n_embd: 8", as: "n_embd: 99999999999999999999",
      "\(Self.network).n_embd: expected a whole number, found '99999999999999999999'")
    try expect(
      "content_spatial_size: [4, 4]", as: "content_spatial_size: 4",
      "\(Self.network).content_spatial_size: expected a list of whole numbers, found '4'")
    try expect(
      "content_spatial_size: [4, 4]", as: "content_spatial_size: [4, x]",
      "\(Self.network).content_spatial_size[1]: expected a whole number, found 'x'")
  }

  /// The number of tokens and the grid's sides, either of which may be left out.
  @Test func theGridIsTheTokens() throws {
    let (length, size) = ("content_seq_len: 16", "content_spatial_size: [4, 4]")
    for (changes, grid) in [
      ([length: ""], [4, 4]), ([size: ""], [4, 4]), ([length: "content_seq_len: 25", size: ""], [5, 5]),
      ([length: "", size: ""], [32, 32]), ([length: "content_seq_len: 8", size: "content_spatial_size: [2, 4]"], [2, 4]),
    ] {
      try withTemporaryFolder { folder in
        let file = folder.appendingPathComponent("config.yaml")
        let yaml = try changes.reduce(recorded()) { $0.replacingOccurrences(of: $1.key, with: $1.value) }
        try Data(yaml.utf8).write(to: file)
        let configuration = try MicrosoftConfiguration(YAMLConfiguration(contentsOf: file))
        #expect(configuration.denoiser.grid == grid)
      }
    }
    try expect(
      length, as: "content_seq_len: 25", "\(Self.network).content_seq_len: expected 16, as content_spatial_size has, found '25'")
    for wrong in ["15", "0", "-16", "\(Int.max)", "\(Int.min)"] {
      let text = "content_seq_len: 16  # rows x columns\n            \(size)"
      try expect(
        text, as: "content_seq_len: \(wrong)",
        "\(Self.network).content_seq_len: expected a square number, without a spatial size, found '\(wrong)'")
    }
  }

  @Test func optionsThatDoNotExist() throws {
    try expect(
      "attn_type: 'selfcondition'", as: "attn_type: cross",
      "\(Self.network).attn_type: expected selfcross, selfcondition or self, found 'cross'")
    try expect(
      "block_activate: GELU2", as: "block_activate: RELU", "\(Self.network).block_activate: expected GELU or GELU2, found RELU")
    try expect("mlp_type: 'conv_mlp'", as: "mlp_type: conv", "\(Self.network).mlp_type: expected fc or conv_mlp, found conv")
    try expect(
      "timestep_type: 'adalayernorm'    #", as: "timestep_type: layernorm #",
      "\(Self.network).timestep_type: expected adalayernorm or adalayernorm_abs or adainsnorm, found layernorm")
    try expect(
      "alpha_init_type: 'alpha1'", as: "alpha_init_type: cos",
      "model.params.diffusion_config.params.alpha_init_type: expected alpha1, found 'cos'")
  }

  /// Numbers that would take all memory, or stop the program, if they were believed.
  @Test func numbersOutOfRange() throws {
    try expect("n_layer: 1", as: "n_layer: 4611686018427387904", "layers: expected 1...4096, found 4611686018427387904")
    try expect("n_head: 2", as: "n_head: 0", "heads: expected 1 or more, found 0")
    try expect("diffusion_step: 8", as: "diffusion_step: -8", "timesteps: expected 2...1048576, found -8")
    try expect(
      "content_spatial_size: [4, 4]", as: "content_spatial_size: [4611686018427387904, 4]",
      "grid: expected [rows, columns], 1...4096 each, found [4611686018427387904, 4]")
  }

  @Test func whatIsNoYAMLMapping() throws {
    #expect(try message(of: Data("[1, 2]".utf8)) == "expected a YAML mapping, found something else")
    #expect(try message(of: Data("".utf8)) == "expected a YAML mapping, found something else")
    #expect(try message(of: Data([0xFF, 0xFE, 0x00, 0xD8])) == "expected a YAML mapping, found something else")
    #expect(try message(of: Data("a: [1".utf8)).hasPrefix("expected valid YAML, found "))
    #expect(try message(of: Data("a: b: c".utf8)).hasPrefix("expected valid YAML, found "))
    #expect(try message(of: Data("a: *nowhere".utf8)).hasPrefix("expected valid YAML, found "))
    #expect(try message(of: Data("a: 1".utf8)) == "model.params: expected a value, found nothing")
    #expect(try message(of: Data("model: 1".utf8)) == "model.params: expected a value, found nothing")
    let large = Data("# \(String(repeating: "x", count: 1 << 20))\na: 1".utf8)
    #expect(try message(of: large) == "expected a YAML file of at most 1048576 bytes, found \(large.count)")
  }

  @Test func aFileThatIsNotThere() throws {
    let nowhere = URL(fileURLWithPath: "/nowhere/config.yaml")
    let error = #expect(throws: ModelFileError.self) {
      try VQDiffusionPipeline.network(ModelLocation(Self.checkpoint, configuration: nowhere))
    }
    guard case .unreadable("/nowhere/config.yaml", _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// Tags name Python objects that a loader would make; nothing is made of them, and the values are as they are.
  @Test func tagsAreNotCarriedOut() throws {
    try expect(
      "n_layer: 1", as: "n_layer: !!python/object/apply:os.system ['touch /tmp/PWNED']",
      "\(Self.network).n_layer: expected a whole number, found a list")
    try expect(
      "n_layer: 1", as: "n_layer: !!python/object:os.system {a: 1}",
      "\(Self.network).n_layer: expected a whole number, found a mapping")
    #expect(!FileManager.default.fileExists(atPath: "/tmp/PWNED"))
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["[", "{a: ", "- ", "? "]) func deepNesting(opening: String) throws {
    for depth in [1000, 10_000, 250_000] {
      let yaml = String(repeating: opening, count: depth)
      let closing = ["[": "]", "{a: ": "}"][opening].map { String(repeating: $0, count: depth) } ?? "a"
      for text in [yaml, yaml + closing, "a: " + yaml + closing] where text.utf8.count <= 1 << 20 {
        #expect(try !message(of: Data(text.utf8)).isEmpty)
      }
    }
  }
}
