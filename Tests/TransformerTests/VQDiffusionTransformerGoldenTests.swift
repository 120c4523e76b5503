import Checkpoint
import Tensor
import TestSupport
import Testing
import Transformer

/// The public reference's hidden states and logits, for every kind of block.
@Suite struct VQDiffusionTransformerGoldenTests {
  static let cases = [
    "denoiser-class-conv", "denoiser-class-conv-x4", "denoiser-class-fc", "denoiser-class-adains", "denoiser-abs",
    "denoiser-text", "denoiser-uncond",
  ]

  @Test(arguments: cases, everyWay) func logitsAgree(name: String, way: ComputeOptions) throws {
    let golden = try GoldenCase(name)
    let denoiser = try VQDiffusionTransformer(golden.params.decoded(), weights: golden.weights(options: way))
    let conditions = try conditions(of: golden)
    let logits = try denoiser.logits(
      NetworkInput(tokens: golden.tokens("in.tokens"), timesteps: golden.integers("in.t"), conditions: conditions))
    expectClose(logits, try channelsLast(golden.floats("out.logits")), absolute: try golden.tolerance("logits"))
    expectClose(
      logits.logSoftmax(), try channelsLast(golden.floats("out.log_x0"), dropping: 1),
      absolute: try golden.tolerance("log_x0"))
  }

  /// An approximation: 0.05 leaves room above what was measured (docs/int8.md).
  @Test(arguments: cases) func int8LogitsAreNear(name: String) throws {
    try expectNear(name, ComputeOptions(convolution: .im2col, weights: .int8), bound: 0.05)
  }

  /// An approximation: 0.002 leaves room above what was measured (docs/float16.md).
  @Test(arguments: cases, everyHalfWay) func halfLogitsAreNear(name: String, way: ComputeOptions) throws {
    try expectNear(name, way, bound: 0.002)
  }

  /// Logits within `bound` of the reference's, relative to the largest, and not the same.
  private func expectNear(_ name: String, _ options: ComputeOptions, bound: Double) throws {
    let golden = try GoldenCase(name)
    let denoiser = try VQDiffusionTransformer(golden.params.decoded(), weights: golden.weights(options: options))
    let logits = try denoiser.logits(
      NetworkInput(tokens: golden.tokens("in.tokens"), timesteps: golden.integers("in.t"), conditions: conditions(of: golden)))
    let expected = try channelsLast(golden.floats("out.logits"))
    let largest = Double(expected.values.map(abs).max() ?? 0)
    expectClose(logits, expected, absolute: bound * largest)
    #expect(logits.values != expected.values)
  }

  @Test(arguments: cases) func hiddenStatesAgree(name: String) throws {
    let golden = try GoldenCase(name)
    let denoiser = try VQDiffusionTransformer(golden.params.decoded(), weights: golden.weights())
    var states: [FloatTensor] = []
    _ = try denoiser.logits(
      NetworkInput(tokens: golden.tokens("in.tokens"), timesteps: golden.integers("in.t"), conditions: conditions(of: golden)),
      observe: { states.append($0) })
    let outputs = ["embedding"] + (0..<denoiser.configuration.layers).map { "block.\($0)" }
    #expect(states.count == outputs.count)
    for (state, output) in zip(states, outputs) {
      expectClose(state, try golden.floats("out.\(output)"), absolute: try golden.tolerance(output))
    }
  }

  @Test(arguments: ["denoiser-class-conv", "denoiser-class-conv-x4", "denoiser-class-fc", "denoiser-abs"])
  func meanOfClassesStandsInForAClassBeyondTheTable(name: String) throws {
    let golden = try GoldenCase(name)
    let denoiser = try VQDiffusionTransformer(golden.params.decoded(), weights: golden.weights())
    let timesteps = try golden.integers("in.t")
    let logits = try denoiser.logits(
      NetworkInput(tokens: golden.tokens("in.tokens"), timesteps: timesteps, conditions: timesteps.map { _ in .meanOfClasses }))
    expectClose(
      logits, try channelsLast(golden.floats("out.logits_class_out_of_range")),
      absolute: try golden.tolerance("logits_class_out_of_range"))
  }

  @Test(arguments: ["denoiser-class-conv", "denoiser-text"], everyWay + everyHalfWay)
  func rowsDontDependOnTheBatch(name: String, way: ComputeOptions) throws {
    let golden = try GoldenCase(name)
    let denoiser = try VQDiffusionTransformer(golden.params.decoded(), weights: golden.weights(options: way))
    let tokens = try golden.tokens("in.tokens")
    let timesteps = try golden.integers("in.t")
    let conditions = try conditions(of: golden)
    let together = try denoiser.logits(NetworkInput(tokens: tokens, timesteps: timesteps, conditions: conditions))
    let length = denoiser.configuration.sequenceLength
    let alone = try timesteps.indices.flatMap { row in
      try denoiser.logits(
        NetworkInput(
          tokens: Array(tokens[row * length..<(row + 1) * length]), timesteps: [timesteps[row]], conditions: [conditions[row]])
      ).values
    }
    let areSame = together.values.map(\.bitPattern) == alone.map(\.bitPattern)
    #expect(areSame)
  }

  @Test func anEmptyBatchHasNoLogits() throws {
    let golden = try GoldenCase("denoiser-class-conv")
    let denoiser = try VQDiffusionTransformer(golden.params.decoded(), weights: golden.weights())
    let configuration = denoiser.configuration
    #expect(
      try denoiser.logits(NetworkInput(tokens: [], timesteps: [], conditions: [])).shape
        == [0, configuration.sequenceLength, configuration.codebookSize])
  }
}

/// What each sequence of a case is conditioned on.
func conditions(of golden: GoldenCase) throws -> [NetworkCondition] {
  switch try golden.params.string("kind") {
  case "class": try golden.integers("in.class").map { .index($0) }
  case "text": try texts(of: golden).map { .text($0) }
  default: try golden.integers("in.t").map { _ in .none }
  }
}

/// The texts of a case, one for each sequence, that no network has asked anything of.
func texts(of golden: GoldenCase) throws -> [TextVectors] {
  let vectors = try golden.floats("in.text_embedding")
  let (length, width) = (vectors.shape[1], vectors.shape[2])
  return (0..<vectors.shape[0]).map { row in
    TextVectors(vectors.rows(row * length..<(row + 1) * length, width: width))
  }
}

/// [B, K, L], the reference's order, as [B, L, K − dropped].
func channelsLast(_ x: FloatTensor, dropping dropped: Int = 0) -> FloatTensor {
  let (batch, codes, length) = (x.shape[0], x.shape[1], x.shape[2])
  var y = FloatTensor(zeros: [batch, length, codes - dropped])
  for b in 0..<batch {
    for l in 0..<length {
      for k in 0..<codes - dropped { y[b, l, k] = x[b, k, l] }
    }
  }
  return y
}
