import Foundation
import TestSupport
import Testing
import VQDiffusionTraining

/// Settings from files and options, laid over a preset's.
@Suite struct SettingsOverlayTests {
  /// What a file of that text, laid over the tiny autoencoder's settings, makes of them.
  private func overlaid(_ text: String, name: String = "settings.yaml") throws -> AutoencoderSettings {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent(name)
      try Data(text.utf8).write(to: file)
      return try SettingsOverlay(contentsOf: file).applied(to: TrainingPreset.tiny.autoencoder)
    }
  }

  @Test(arguments: [
    (
      "a.yaml",
      "optimization:\n  steps: 7   # few\n  schedule: plateau\nnetwork: {ch_mult: [1, 2, 2]}\naugmentation:\n  flips: False\n"
    ),
    (
      "a.json", #"{"optimization":{"steps":7,"schedule":"plateau"},"network":{"ch_mult":[1,2,2]},"augmentation":{"flips":false}}"#
    ),
    (
      "tabs.json",
      "{\n\t\"optimization\": {\n\t\t\"steps\": 7, \"schedule\": \"plateau\"},\n\t\"network\": {\"ch_mult\": [1, 2, 2]},\n"
        + "\t\"augmentation\": {\"flips\": false}\n}"
    ),
  ]) func nestedKeysReplaceValues(name: String, text: String) throws {
    var expected = TrainingPreset.tiny.autoencoder
    (expected.optimization.steps, expected.optimization.schedule) = (7, .plateau)
    expected.network.channelMultipliers = [1, 2, 2]
    expected.augmentation.flips = false
    #expect(try overlaid(text, name: name) == expected)
  }

  @Test func optionalSettingsCanBeGiven() throws {
    let settings = try overlaid("network: {norm_groups: 8, conv_in_channels: 16, quantizer: ema, double_z: null}")
    #expect(settings.network.normGroups == 8 && settings.network.convInChannels == 16)
    #expect(settings.network.quantizer == .ema && settings.network.doubleLatent == nil)
    #expect(settings.network.channels == TrainingPreset.tiny.autoencoder.network.channels)
  }

  @Test(arguments: TrainingPreset.allCases) func whatIsPrintedReadsBackAsItWas(preset: TrainingPreset) throws {
    func check<S: Codable & Equatable>(_ settings: S, over other: S) throws {
      try withTemporaryFolder { folder in
        let file = folder.appendingPathComponent("all.json")
        try JSONEncoder().encode(settings).write(to: file)
        #expect(try SettingsOverlay(contentsOf: file).applied(to: other) == settings)
      }
    }
    try check(preset.autoencoder, over: TrainingPreset.digits.autoencoder)
    try check(preset.denoiser, over: TrainingPreset.digits.denoiser)
    try check(preset.refit(codes: 9), over: TrainingPreset.digits.refit(codes: 3))
    try check(preset.guidance, over: TrainingPreset.digits.guidance)
  }

  @Test(arguments: TrainingPreset.allCases) func presetsAreValid(preset: TrainingPreset) throws {
    let tasks: [TrainingRun.Task] = [
      .autoencoder(preset.autoencoder), .denoiser(preset.denoiser, autoencoder: nil), .refit(preset.refit(codes: 9), model: nil),
      .guidance(preset.guidance, model: nil),
    ]
    for task in tasks { try TrainingRun(task, images: URL(fileURLWithPath: "images")).validate() }
    #expect(preset.guidance.optimization.steps == preset.denoiser.optimization.steps / 5)
    #expect(preset.refit(codes: 9).codes == 9)
  }

  @Test func aFilePicksThePreset() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("a.yaml")
      try Data("preset: digits\nlabel_dropout: 0.25\n".utf8).write(to: file)
      let overlay = try SettingsOverlay(contentsOf: file)
      #expect(try overlay.preset == .digits && overlay.integer("preset") == nil)
      #expect(try overlay.applied(to: TrainingPreset.tiny.denoiser).labelDropout == 0.25)
    }
  }

  @Test func wholeNumbersAreLookedUp() throws {
    func overlay(_ text: String) throws -> SettingsOverlay { try SettingsOverlay(assignment: text, origin: "--set") }
    #expect(try overlay("codes=9").integer("codes") == 9 && overlay("codes=-9").integer("codes") == -9)
    for absent in ["seed=9", "codebook.codes=9"] { #expect(try overlay(absent).integer("codes") == nil) }
    for (text, found) in [("1.5", "'1.5'"), ("many", "'many'"), ("[9]", "a list"), ("null", "nothing"), ("'9'", "'9'")] {
      let expected = TrainingRunError.invalidSettings(file: "--set", field: "codes", expected: "a whole number", found: found)
      #expect(throws: expected, "\(text)") { try overlay("codes=\(text)").integer("codes") }
    }
  }

  @Test func assignments() throws {
    func assigned(_ text: String) throws -> AutoencoderSettings {
      try SettingsOverlay(assignment: text, origin: "--set").applied(to: TrainingPreset.tiny.autoencoder)
    }
    #expect(try assigned("optimization.batch=32").optimization.batch == 32)
    #expect(try assigned("optimization.learning_rate=1e-3").optimization.learningRate == 1e-3)
    #expect(try assigned("optimization.seed=18446744073709551615").optimization.seed == .max)
    #expect(try assigned("network.ch_mult=[1, 3]").network.channelMultipliers == [1, 3])
    #expect(try assigned("network.norm_groups=4").network.normGroups == 4)
    #expect(try assigned("codebook.cosine=true").codebook.cosine)
    let guidance = TrainingPreset.tiny.guidance
    #expect(guidance.empty == .learned)
    #expect(try SettingsOverlay(assignment: "empty=null", origin: "--set").applied(to: guidance).empty == .null)
    #expect(try assigned("codebook={kind: gradient, decay: 0.5}").codebook.kind == .gradient)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let text: String
    let field: String
    let expected: String
    let found: String
    var testDescription: String { text }

    init(_ text: String, _ field: String, _ expected: String, _ found: String) {
      (self.text, self.field, self.expected, self.found) = (text, field, expected, found)
    }
  }

  @Test(arguments: [
    Case("optimizer: {}", "optimizer", "one of the settings augmentation, codebook,", "the unknown 'optimizer'"),
    Case("optimization: {steps: 5, bach: 3}", "optimization.bach", "one of the settings accumulation,", "the unknown 'bach'"),
    Case("network: {norm_group: 3}", "network.norm_group", "norm_groups", "the unknown 'norm_group'"),
    Case("optimization: {batch: many}", "optimization.batch", "a whole number", "'many'"),
    Case("optimization: {batch: 1.5}", "optimization.batch", "a whole number", "'1.5'"),
    Case("optimization: {batch: '32'}", "optimization.batch", "a whole number", "'32'"),
    Case("optimization: {batch: 99999999999999999999}", "optimization.batch", "a whole number", "'99999999999999999999'"),
    Case("optimization: {seed: -1}", "optimization.seed", "a whole number, 0 or more", "'-1'"),
    Case("optimization: {learning_rate: inf}", "optimization.learning_rate", "a finite number", "'inf'"),
    Case("optimization: {learning_rate: [1]}", "optimization.learning_rate", "a number", "a list"),
    Case("optimization: {learning_rate: }", "optimization.learning_rate", "a number", "nothing"),
    Case("optimization: 3", "optimization", "a mapping", "'3'"),
    Case("optimization: {steps: {a: 1}}", "optimization.steps", "a whole number", "a mapping"),
    Case("augmentation: {flips: 1}", "augmentation.flips", "true or false", "'1'"),
    Case("codebook: {kind: mean}", "codebook.kind", "gradient or average", "'mean'"),
    Case("network: {ch_mult: 2}", "network.ch_mult", "a list", "'2'"),
    Case("network: {ch_mult: [1, two]}", "network.ch_mult.1", "a whole number", "'two'"),
    Case("preset: huge", "preset", "cifar10, digits or tiny", "'huge'"),
    Case("? [a]\n: 1", "", "names for keys", "another key"),
    Case("- 1", "", "a YAML mapping", "something else"),
    Case("", "", "a YAML mapping", "something else"),
    Case("a: [", "", "valid YAML", "expected"),
    Case("optimization: {steps: 5, steps: 6}", "", "valid YAML", "steps"),
    Case("a: &x 1\nb: [\(Array(repeating: "*x", count: 30).joined(separator: ", "))]", "", "at most 24 aliases", "30"),
  ]) func whatIsWrongIsNamed(_ bad: Case) throws {
    let error = #expect(throws: TrainingRunError.self) { try overlaid(bad.text) }
    guard case .invalidSettings(let file, let field, let expected, let found) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(file.hasSuffix("/settings.yaml") && field == bad.field)
    #expect(expected.contains(bad.expected) && found.contains(bad.found), "\(expected); \(found)")
  }

  @Test(arguments: [
    ("optimization.batch", "expected path=value, found 'optimization.batch'"),
    ("optimization..batch=3", "optimization..batch: expected names such as"),
    ("=3", "expected names such as"),
    ("optimization.batch=", "optimization.batch: expected a value, found nothing"),
    ("optimization.batch=[", "optimization.batch: expected a value, found '['"),
    ("optimization.batch=*x", "optimization.batch: expected a value, found '*x'"),
    ("optimization=3", "optimization: expected a mapping, found '3'"),
    ("optimization.batch.x=3", "optimization.batch: expected a whole number, found a mapping"),
  ]) func wrongAssignments(text: String, message: String) throws {
    let error = #expect(throws: TrainingRunError.self) {
      _ = try SettingsOverlay(assignment: text, origin: "--set").applied(to: TrainingPreset.tiny.autoencoder)
    }
    #expect(error.map { "\($0)".hasPrefix("--set: ") && "\($0)".contains(message) } == true, "\(String(describing: error))")
  }

  @Test func filesThatCannotBeRead() throws {
    try withTemporaryFolder { folder in
      for (file, found) in [(folder.appendingPathComponent("nowhere"), "No such file"), (folder, "not a regular file")] {
        let error = #expect(throws: TrainingRunError.self) { try SettingsOverlay(contentsOf: file) }
        guard case .invalidSettings(file.path, "", "a file that can be read", let reason) = error else {
          Issue.record("\(String(describing: error))")
          continue
        }
        #expect(reason.contains(found))
      }
      let large = folder.appendingPathComponent("large.yaml")
      try Data(repeating: UInt8(ascii: "#"), count: (1 << 20) + 1).write(to: large)
      #expect(throws: TrainingRunError.self) { try SettingsOverlay(contentsOf: large) }
    }
  }
}
