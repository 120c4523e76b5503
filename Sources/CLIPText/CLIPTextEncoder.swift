import Checkpoint
import Tensor

/// The text encoder of CLIP (Radford et al. 2021), which conditions VQ-Diffusion on texts: a transformer in which each token sees
/// those before it.
///
/// B texts, L ids each, width D. Padding isn't masked: its vectors are part of the condition, as both package versions have it.
package struct CLIPTextEncoder: Sendable {
  package let configuration: CLIPTextConfiguration
  /// [vocabulary, D]; with low memory 16-bit ones stay in the file and rows are widened as they are needed.
  private let tokens: LayerWeights
  /// [L, D]
  private let positions: FloatTensor
  private let blocks: [CLIPTextBlock]
  private let finalNorm: AffineNorm

  /// - Parameter names: whose names the tensors have.
  /// - Throws: `CLIPTextError` for a configuration that doesn't fit together; `CheckpointError` for a tensor that is missing, has
  ///   another shape than the configuration asks for, or isn't part of the architecture.
  package init(_ configuration: CLIPTextConfiguration, weights: WeightLoader, names: CLIPTensorNames = .huggingFace) throws {
    try configuration.validate()
    self.configuration = configuration
    let width = configuration.width
    tokens = try weights.layerWeights(names.tokens, [configuration.vocabularySize, width])
    positions = try weights.tensor(names.positions, [configuration.contextLength, width])
    blocks = try (0..<configuration.layers).map {
      try CLIPTextBlock(weights.scope(names.layer($0)), configuration, names)
    }
    finalNorm = try AffineNorm(weights.scope(names.finalNorm), configuration)
    try weights.finish(ignoring: names.unusedTensors)
  }

  /// The vectors that condition VQ-Diffusion: the last hidden states, each divided by its length √Σx² where
  /// `configuration.normalizes`.
  ///
  /// - Parameter ids: B × L flattened, as `CLIPTokenizer.encode` gives them.
  /// - Returns: [B, L, D].
  /// - Throws: `CLIPTextError.wrongTokenCount`, `.tokenOutOfRange`.
  package func embed(_ ids: [Int32]) throws(CLIPTextError) -> FloatTensor {
    let hidden = try hidden(ids)
    return configuration.normalizes ? Self.normalized(hidden) : hidden
  }

  /// The last hidden states after the final norm, [B, L, D], of the same ids and with the same errors.
  package func hidden(_ ids: [Int32]) throws(CLIPTextError) -> FloatTensor {
    try validate(ids)
    var x = embedding(ids)
    for block in blocks { block.apply(to: &x) }
    return finalNorm(x)
  }

  private func validate(_ ids: [Int32]) throws(CLIPTextError) {
    let (length, rows) = (configuration.contextLength, configuration.vocabularySize)
    guard ids.count.isMultiple(of: length) else { throw .wrongTokenCount(expected: "a multiple of \(length)", found: ids.count) }
    if let id = ids.first(where: { $0 < 0 || $0 >= rows }) { throw .tokenOutOfRange(token: Int(id), vocabulary: rows) }
  }

  /// Token row + position row, [B, L, D].
  private func embedding(_ ids: [Int32]) -> FloatTensor {
    let (length, width) = (configuration.contextLength, configuration.width)
    var x = tokens.rows(ids.map(Int.init)).reshaped([ids.count / length, length, width])
    let target = x.mutableBase()
    defer { keepAlive(positions) }
    for element in 0..<x.count { target[element] += positions.base[element % (length * width)] }
    return x
  }

  /// Each row divided by its length; a row of zeros stays.
  private static func normalized(_ x: FloatTensor) -> FloatTensor {
    let width = x.shape[x.shape.count - 1]
    var y = x
    let rows = y.mutableBase()
    for row in 0..<x.count / width {
      let channels = UnsafeMutableBufferPointer(start: rows + row * width, count: width)
      let length = Float(channels.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
      guard length > 0 else { continue }
      for channel in 0..<width { channels[channel] /= length }
    }
    return y
  }
}

/// A layer norm with its learned scale and shift.
struct AffineNorm: Sendable {
  private let weight: FloatTensor
  private let bias: FloatTensor
  private let epsilon: Float

  init(_ weights: WeightLoader, _ configuration: CLIPTextConfiguration) throws(CheckpointError) {
    weight = try weights.tensor("weight", [configuration.width])
    bias = try weights.tensor("bias", [configuration.width])
    epsilon = configuration.layerNormEpsilon
  }

  func callAsFunction(_ x: FloatTensor) -> FloatTensor { x.layerNorm(weight: weight, bias: bias, epsilon: epsilon) }
}

/// One pre-norm block:
///
///     x += proj(causal attention(norm₁(x)))        x += mlp(norm₂(x))
struct CLIPTextBlock: Sendable {
  private let firstNorm: AffineNorm
  private let queryKeyValue: Linear
  private let projection: Linear
  private let heads: Int
  private let secondNorm: AffineNorm
  private let widen: Linear
  private let narrow: Linear
  private let activation: Activation

  init(_ weights: WeightLoader, _ configuration: CLIPTextConfiguration, _ names: CLIPTensorNames) throws(CheckpointError) {
    let (width, hidden) = (configuration.width, configuration.hiddenWidth)
    firstNorm = try AffineNorm(weights.scope(names.firstNorm), configuration)
    queryKeyValue = try names.queryKeyValue(weights, width: width)
    projection = try weights.linear(names.projection, inputs: width, outputs: width)
    heads = configuration.heads
    secondNorm = try AffineNorm(weights.scope(names.secondNorm), configuration)
    widen = try weights.linear(names.widen, inputs: width, outputs: hidden)
    narrow = try weights.linear(names.narrow, inputs: hidden, outputs: width)
    activation = configuration.activation == .gelu ? .gelu : .quickGELU
  }

  /// x [B, L, D] in place.
  func apply(to x: inout FloatTensor) {
    projection.add(queryKeyValue(firstNorm(x)).causalSelfAttention(heads: heads), to: &x)
    narrow.add(widen(secondNorm(x), activation: activation), to: &x)
  }
}
