import Checkpoint
import Tensor

/// The denoiser p_θ(x̃_0 | x_t, y) of VQ-Diffusion: a transformer that predicts the clean tokens from corrupted ones (Gu et al. 2022,
/// Section 4.2; Tang et al. 2022, Section 2).
///
/// B sequences, L tokens of K codes ([MASK] = K), width D. Tensors are named as in the public checkpoints
/// (`blocks.0.attn.query.weight` …).
public struct VQDiffusionTransformer: DenoisingNetwork {
  public let configuration: VQDiffusionConfiguration
  public let facts: NetworkFacts
  private let embedding: TokenEmbedding
  private let blocks: [TransformerBlock]
  private let finalNorm: LayerNorm
  private let head: Linear

  /// - Throws: `TransformerError` for a configuration that doesn't fit together; `CheckpointError` for a tensor that is
  ///   missing, has another shape than the configuration asks for, or isn't part of the architecture.
  package init(_ configuration: VQDiffusionConfiguration, weights: WeightLoader) throws {
    try configuration.validate()
    try weights.expect(configuration.tensorShapes)
    (self.configuration, facts) = (configuration, configuration.facts)
    embedding = try TokenEmbedding(weights.scope("content_emb"), configuration)
    blocks = try (0..<configuration.layers).map { try TransformerBlock(weights.scope("blocks.\($0)"), configuration) }
    let output = weights.scope("to_logits")
    finalNorm = try LayerNorm(output.scope("0"), width: configuration.width)
    head = try output.linear("1", inputs: configuration.width, outputs: configuration.codebookSize)
    try weights.finish(ignoring: configuration.unusedTensors)
  }

  public func logits(_ input: NetworkInput, checkCancellation: () throws -> Void) throws -> FloatTensor {
    try logits(input) { _ in try checkCancellation() }
  }

  /// Logits of every position, [B, L, K]; `observe` sees the hidden state [B, L, D] of the embedding and after each block.
  package func logits(_ input: NetworkInput, observe: (FloatTensor) throws -> Void) throws -> FloatTensor {
    head(finalNorm(try hidden(input, observe: observe)))
  }

  /// The number of indices whose scale and shift are kept, of each adaptive norm.
  package var cachedModulations: [Int] { blocks.flatMap(\.cachedModulations) }

  /// The rows of the last layer at other positions aren't computed.
  public func logits(
    _ input: NetworkInput, at positions: [[Int]], checkCancellation: () throws -> Void
  ) throws -> FloatTensor {
    let x = try hidden(input) { _ in try checkCancellation() }
    let length = facts.length
    let indices = positions.enumerated().flatMap { sequence, positions in positions.map { sequence * length + $0 } }
    return head.dependsOnPlace ? head(finalNorm(x)).rows(indices) : head(finalNorm(x.rows(indices)))
  }

  /// The last block's output [B, L, D].
  private func hidden(_ input: NetworkInput, observe: (FloatTensor) throws -> Void) throws -> FloatTensor {
    try facts.check(input)
    var x = embedding(input.tokens)
    let steps = input.timesteps.map { AdaptiveNorm.Index.row($0) }
    let classes = input.conditions.map { condition in
      switch condition {
      case .index(let index): AdaptiveNorm.Index.row(index)
      case .meanOfClasses, .text, .none: AdaptiveNorm.Index.meanRow
      }
    }
    let texts = input.conditions.compactMap { if case .text(let vectors) = $0 { vectors } else { nil } }
    try observe(x)
    for block in blocks {
      block.apply(to: &x, timesteps: steps, classes: classes, texts: texts)
      try observe(x)
    }
    return x
  }
}
