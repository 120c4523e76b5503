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
  /// Query, key and value projections as one layer.
  private let queryKeyValue: Linear
  private let projection: Linear
  private let heads: Int
  private let products = ComputeOptions.current.products
  /// In a text-conditional model, with its norm.
  private let text: (norm: AdaptiveNorm, attention: TextAttention)?
  private let secondNorm: SecondNorm
  private let feedForward: FeedForward

  private enum SecondNorm: Sendable {
    case classConditional(AdaptiveNorm)
    case affine(weight: FloatTensor, bias: FloatTensor)
  }

  private static let textAttentionName = "attn2"
  /// The tensor of a block of a text-conditional model that is stored but not used.
  static let unusedTextMask = "\(textAttentionName).\(TextAttention.unusedMask)"

  init(_ weights: Weights, _ configuration: DenoiserConfiguration) throws(CheckpointError) {
    let width = configuration.width
    func timestepNorm(_ name: String) throws(CheckpointError) -> AdaptiveNorm {
      try AdaptiveNorm(weights.scope(name), kind: configuration.timestepNorm, rows: configuration.timesteps, width: width)
    }
    self.timestepNorm = try timestepNorm("ln1")
    let attention = weights.scope(configuration.kind == .text ? "attn1" : "attn")
    queryKeyValue = try attention.stackedLinear(["query", "key", "value"], width: width)
    projection = try attention.linear("proj", inputs: width, outputs: width)
    heads = configuration.heads
    if let textWidth = configuration.textWidth {
      let textAttention = try TextAttention(
        weights.scope(Self.textAttentionName), width: width, textWidth: textWidth, heads: configuration.heads)
      text = (try timestepNorm("ln1_1"), textAttention)
    } else {
      text = nil
    }
    let second = weights.scope("ln2")
    if let classNorm = configuration.classNorm, let rows = configuration.classRows {
      secondNorm = .classConditional(try AdaptiveNorm(second, kind: classNorm, rows: rows, width: width))
    } else {
      secondNorm = .affine(weight: try second.tensor("weight", [width]), bias: try second.tensor("bias", [width]))
    }
    feedForward = try FeedForward(weights.scope("mlp"), configuration)
  }

  /// x [B, L, D] in place; one timestep and, in a conditional model, one class or text for each of the B sequences.
  func apply(
    to x: inout FloatTensor, timesteps: [AdaptiveNorm.Index], classes: [AdaptiveNorm.Index], texts: [TextVectors]
  ) {
    projection.add(queryKeyValue(timestepNorm(x, timesteps)).selfAttention(heads: heads, products: products), to: &x)
    if let text { text.attention.add(text.norm(x, timesteps), texts: texts, to: &x) }
    switch secondNorm {
    case .classConditional(let norm): feedForward.add(norm(x, classes), to: &x)
    case .affine(let weight, let bias): feedForward.add(x.layerNorm(weight: weight, bias: bias), to: &x)
    }
  }
}

/// The block's second half: widen, activate, narrow, either by fully connected layers or by 3×3 convolutions over the grid.
enum FeedForward: Sendable {
  case fullyConnected(Linear, Linear, Activation)
  case convolutional(Convolution, Convolution, Activation, grid: [Int])

  init(_ weights: Weights, _ configuration: DenoiserConfiguration) throws(CheckpointError) {
    let (width, hidden) = (configuration.width, configuration.width * configuration.mlpHiddenMultiplier)
    let activation: Activation = configuration.activation == .gelu ? .gelu : .quickGELU
    switch configuration.mlp {
    case .fullyConnected:
      self = .fullyConnected(
        try weights.linear("0", inputs: width, outputs: hidden), try weights.linear("2", inputs: hidden, outputs: width),
        activation)
    case .convolutional:
      self = .convolutional(
        try weights.convolution("conv1", inputs: width, outputs: hidden, kind: .same),
        try weights.convolution("conv2", inputs: hidden, outputs: width, kind: .same), activation, grid: configuration.grid)
    }
  }

  /// sum += mlp(x), both [B, L, D].
  func add(_ x: FloatTensor, to sum: inout FloatTensor) {
    switch self {
    case .fullyConnected(let widen, let narrow, let activation):
      narrow.add(widen(x, activation: activation), to: &sum)
    case .convolutional(let widen, let narrow, let activation, let grid):
      let image = x.reshaped([x.shape[0], grid[0], grid[1], x.shape[2]])
      sum.withShape(image.shape) { narrow.add(widen(image, activation: activation), to: &$0) }
    }
  }
}
