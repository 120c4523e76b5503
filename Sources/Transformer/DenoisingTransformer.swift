import Checkpoint
import Tensor

/// The denoiser p_θ(x̃_0 | x_t, y): predicts the clean tokens from corrupted ones (VQ-Diffusion, Section 2 of Tang et al. 2022).
///
/// B sequences, L tokens of K codes ([MASK] = K), width D. Tensors are named as in the public checkpoints
/// (`blocks.0.attn.query.weight` …).
public struct DenoisingTransformer: Sendable {
  public let configuration: DenoiserConfiguration
  private let embedding: TokenEmbedding
  private let blocks: [TransformerBlock]
  private let finalNorm: (weight: FloatTensor, bias: FloatTensor)
  private let head: Linear

  /// - Throws: `TransformerError` for a configuration that doesn't fit together; `CheckpointError` for a tensor that is
  ///   missing, has another shape than the configuration asks for, or isn't part of the architecture.
  package init(_ configuration: DenoiserConfiguration, weights: Weights) throws {
    try configuration.validate()
    self.configuration = configuration
    let width = configuration.width
    embedding = try TokenEmbedding(weights.scope("content_emb"), configuration)
    blocks = try (0..<configuration.layers).map { try TransformerBlock(weights.scope("blocks.\($0)"), configuration) }
    let output = weights.scope("to_logits")
    finalNorm = (try output.tensor("0.weight", [width]), try output.tensor("0.bias", [width]))
    head = try output.linear("1", inputs: width, outputs: configuration.codebookSize)
    try weights.finish(ignoring: configuration.unusedTensors)
  }

  /// Logits of p(x̃_0 | x_t, y).
  ///
  /// - Parameters:
  ///   - tokens: x_t, B × L flattened, 0…K.
  ///   - timesteps: B indices 0..<T, the network's: paper's t − 1.
  ///   - conditions: B, each `.none` in an unconditional model; equal texts are best the same object, which keeps what was computed from it.
  ///   - checkCancellation: called between blocks; what it throws ends the evaluation.
  /// - Returns: [B, L, K].
  /// - Throws: `TransformerError` for input out of range.
  public func logits(
    tokens: [Int32], timesteps: [Int], conditions: [DenoiserCondition], checkCancellation: () throws -> Void = {}
  ) throws -> FloatTensor {
    try logits(tokens: tokens, timesteps: timesteps, conditions: conditions) { _ in try checkCancellation() }
  }

  /// The same; `observe` sees the hidden state [B, L, D] of the embedding and after each block.
  package func logits(
    tokens: [Int32], timesteps: [Int], conditions: [DenoiserCondition], observe: (FloatTensor) throws -> Void
  ) throws -> FloatTensor {
    let x = try hidden(tokens: tokens, timesteps: timesteps, conditions: conditions, observe: observe)
    return head(x.layerNorm(weight: finalNorm.weight, bias: finalNorm.bias))
  }

  /// Logits at some positions of each sequence only, with the same bits; the other rows of the last layer aren't computed.
  ///
  /// - Parameter positions: B lists of positions in 0..<L.
  /// - Returns: [Σ_b positions_b, K], sequence after sequence.
  /// - Throws: `TransformerError` for input out of range.
  public func logits(
    tokens: [Int32], timesteps: [Int], conditions: [DenoiserCondition], positions: [[Int]],
    checkCancellation: () throws -> Void = {}
  ) throws -> FloatTensor {
    let x = try hidden(tokens: tokens, timesteps: timesteps, conditions: conditions) { _ in try checkCancellation() }
    let length = configuration.sequenceLength
    let indices = positions.enumerated().flatMap { sequence, positions in positions.map { sequence * length + $0 } }
    guard head.dependsOnPlace else {
      let rows = x.rows(indices).layerNorm(weight: finalNorm.weight, bias: finalNorm.bias)
      return head(rows)
    }
    return head(x.layerNorm(weight: finalNorm.weight, bias: finalNorm.bias)).rows(indices)
  }

  /// The last block's output [B, L, D].
  private func hidden(
    tokens: [Int32], timesteps: [Int], conditions: [DenoiserCondition], observe: (FloatTensor) throws -> Void
  ) throws -> FloatTensor {
    try validate(tokens: tokens, timesteps: timesteps, conditions: conditions)
    var x = embedding(tokens)
    let steps = timesteps.map { AdaptiveNorm.Index.row($0) }
    let classes = conditions.map { condition in
      switch condition {
      case .index(let index): AdaptiveNorm.Index.row(index)
      case .meanOfClasses, .text, .none: AdaptiveNorm.Index.meanRow
      }
    }
    let texts = conditions.compactMap { if case .text(let vectors) = $0 { vectors } else { nil } }
    try observe(x)
    for block in blocks {
      block.apply(to: &x, timesteps: steps, classes: classes, texts: texts)
      try observe(x)
    }
    return x
  }

  private func validate(tokens: [Int32], timesteps: [Int], conditions: [DenoiserCondition]) throws(TransformerError) {
    let (length, codes) = (configuration.sequenceLength, configuration.codebookSize)
    guard tokens.count == timesteps.count * length, conditions.count == timesteps.count else {
      throw .wrongTokenCount(expected: "\(timesteps.count) × \(length)", found: tokens.count)
    }
    if let token = tokens.first(where: { $0 < 0 || $0 > codes }) { throw .tokenOutOfRange(token: Int(token), codes: codes) }
    if let timestep = timesteps.first(where: { !(0..<configuration.timesteps).contains($0) }) {
      throw .timestepOutOfRange(timestep: timestep, timesteps: configuration.timesteps)
    }
    for condition in conditions { try validate(condition) }
  }

  private func validate(_ condition: DenoiserCondition) throws(TransformerError) {
    func wrong(_ expected: String) -> TransformerError { .wrongCondition(expected: expected, found: "\(condition)") }
    switch (configuration.kind, condition) {
    case (.classConditional, .index(let index)):
      let rows = configuration.classRows ?? 0
      guard (0..<rows).contains(index) else { throw .classOutOfRange(index: index, rows: rows) }
    case (.classConditional, .meanOfClasses):
      guard configuration.classNorm != .sinusoidalLayerNorm else {
        throw wrong("a class index (its class code has no table)")
      }
    case (.classConditional, _): throw wrong("a class for each sequence")
    case (.text, _):
      let shape = [configuration.textLength ?? 0, configuration.textWidth ?? 0]
      guard case .text(let vectors) = condition, vectors.values.shape == shape else {
        throw wrong("text vectors \(shape) for each sequence")
      }
    case (.unconditional, .none): return
    case (.unconditional, _): throw wrong("no condition")
    }
  }
}
