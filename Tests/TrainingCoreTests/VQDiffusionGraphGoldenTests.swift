import Checkpoint
import Tensor
import TestSupport
import Testing
import TrainingCore
import Transformer

/// The denoiser on a tape against the recorded network.
@Suite struct VQDiffusionGraphGoldenTests {
  @Test(arguments: RecordedDenoiser.names) func logitsAgree(name: String) throws {
    let recorded = try RecordedDenoiser(name)
    let node = try recorded.logits(Tape(recorded.parameters))
    let expected = try recorded.golden.floats("out.logits")
    let (batch, codes, length) = (expected.shape[0], expected.shape[1], expected.shape[2])
    #expect(node.value.shape == [batch, length, codes])
    expectClose(node.value, transposed(expected), absolute: try recorded.golden.tolerance("logits"))
  }
}

/// A recorded denoiser as training sees it.
struct RecordedDenoiser {
  /// Every kind of block that can be trained: both feed-forward networks, and tables, sinusoidal codes and instance norms.
  static let names = [
    "denoiser-class-conv", "denoiser-class-conv-x4", "denoiser-class-fc", "denoiser-class-adains", "denoiser-abs",
    "denoiser-uncond",
  ]

  let golden: GoldenCase
  let graph: VQDiffusionGraph
  let parameters: ParameterSet

  init(_ name: String) throws {
    golden = try GoldenCase(name)
    graph = try VQDiffusionGraph(golden.params.decoded())
    parameters = try ParameterSet(golden.weights())
  }

  /// [B, L, K] of the recorded input.
  func logits(_ tape: Tape) throws -> Node {
    let classes = graph.facts.conditioning == .none ? [] : try golden.integers("in.class")
    return try graph.logits(
      tape, tokens: golden.tokens("in.tokens"), timesteps: golden.integers("in.t"), classes: classes)
  }
}
