import Checkpoint
import Tensor

/// One pre-norm block of the denoiser:
///
///     x += proj(attention(norm₁(x, t)))        x += mlp(norm₂(x, class))
///
/// and on text, with an affine norm₂:
///
///     x += proj(attention(norm₁(x, t)))        x += textAttention(norm₁₁(x, t), text)        x += mlp(norm₂(x))
struct TransformerBlock: Sendable {
  private let timestepNorm: AdaptiveNorm
  private let attention: SelfAttention
  /// Attention on the text, with its norm; nil for models without text conditioning.
  private let text: (norm: AdaptiveNorm, attention: TextAttention)?
  private let secondNorm: SecondNorm
  private let feedForward: FeedForward

  private enum SecondNorm: Sendable {
    case classConditional(AdaptiveNorm)
    case affine(LayerNorm)
  }

  private static let textAttentionName = "attn2"
  /// The tensor of a block of a text-conditional model that is stored but not used.
  static let unusedTextMask = "\(textAttentionName).\(TextAttention.unusedMask)"

  init(_ weights: WeightLoader, _ configuration: VQDiffusionConfiguration) throws(CheckpointError) {
    let (width, heads) = (configuration.width, configuration.heads)
    func timestepNorm(_ name: String) throws(CheckpointError) -> AdaptiveNorm {
      try AdaptiveNorm(weights.scope(name), kind: configuration.timestepNorm, rows: configuration.timesteps, width: width)
    }
    self.timestepNorm = try timestepNorm("ln1")
    let attentionName = configuration.kind == .text ? "attn1" : "attn"
    attention = try SelfAttention(weights.scope(attentionName), width: width, heads: heads)
    if let textWidth = configuration.textWidth {
      let textAttention = try TextAttention(
        weights.scope(Self.textAttentionName), width: width, textWidth: textWidth, heads: heads)
      text = (try timestepNorm("ln1_1"), textAttention)
    } else {
      text = nil
    }
    let second = weights.scope("ln2")
    if let classNorm = configuration.classNorm, let rows = configuration.classRows {
      secondNorm = .classConditional(try AdaptiveNorm(second, kind: classNorm, rows: rows, width: width))
    } else {
      secondNorm = .affine(try LayerNorm(second, width: width))
    }
    let (mlp, hidden) = (weights.scope("mlp"), width * configuration.mlpHiddenMultiplier)
    let activation = configuration.activation.activation
    feedForward =
      switch configuration.mlp {
      case .fullyConnected: try FeedForward(fullyConnected: mlp, width: width, hidden: hidden, activation: activation)
      case .convolutional:
        try FeedForward(
          convolutional: mlp, width: width, hidden: hidden, activation: activation, rows: configuration.grid[0],
          columns: configuration.grid[1])
      }
  }

  /// The number of indices whose scale and shift are kept, of each adaptive norm.
  var cachedModulations: [Int] {
    var norms = [timestepNorm]
    if let text { norms.append(text.norm) }
    if case .classConditional(let norm) = secondNorm { norms.append(norm) }
    return norms.map(\.cachedCount)
  }

  /// x [B, L, D] in place; one timestep and, in a conditional model, one class or text for each of the B sequences.
  func apply(
    to x: inout FloatTensor, timesteps: [AdaptiveNorm.Index], classes: [AdaptiveNorm.Index], texts: [TextVectors]
  ) {
    attention.add(timestepNorm(x, timesteps), to: &x)
    if let text { text.attention.add(text.norm(x, timesteps), texts: texts, to: &x) }
    switch secondNorm {
    case .classConditional(let norm): feedForward.add(norm(x, classes), to: &x)
    case .affine(let norm): feedForward.add(norm(x), to: &x)
    }
  }
}
