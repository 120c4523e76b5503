import Foundation
import Tensor
import Transformer

/// VQ-Diffusion's denoising transformer in training: the forward pass of `VQDiffusionTransformer` on a tape, over parameters that
/// change.
package struct VQDiffusionGraph: Sendable {
  let network: VQDiffusionConfiguration

  /// - Throws: `TransformerError.invalidConfiguration`.
  package init(_ configuration: VQDiffusionConfiguration) throws {
    try configuration.validate()
    network = configuration
  }

  /// Logits of p(x̃_0 | x_t, y).
  ///
  /// - Parameters:
  ///   - tokens: x_t, B × L, in 0…K.
  ///   - timesteps: B network indices 0..<T.
  ///   - classes: B rows of the class table; empty in an unconditional model.
  /// - Returns: [B, L, K].
  /// - Throws: `TrainingError.unknown` for a parameter that the network has and the set hasn't.
  package func logits(
    _ tape: Tape, tokens: [Int32], timesteps: [Int], classes: [Int]
  ) throws(TrainingError) -> Node {
    var x = try embedding(tape, tokens: tokens)
    for layer in 0..<network.layers {
      x = try block(tape, x, "blocks.\(layer)", timesteps: timesteps, classes: classes)
    }
    return try tape.linear(tape.layerNorm(x, "to_logits.0"), "to_logits.1")
  }

  /// Token row + height row + width row (see `TokenEmbedding`).
  private func embedding(_ tape: Tape, tokens: [Int32]) throws(TrainingError) -> Node {
    let (length, columns) = (network.sequenceLength, network.positionTable[1])
    let isTable = network.positionKind == .embedding
    func table(_ name: String, rows: Int) throws(TrainingError) -> Node {
      let full = "content_emb.\(name)"
      return isTable
        ? try tape.parameter(full + ".weight") : tape.reshaped(try tape.parameter(full), [rows, network.width])
    }
    let heights = try table("height_emb", rows: network.positionTable[0])
    let widths = try table("width_emb", rows: columns)
    let places = (0..<tokens.count).map { $0 % length }
    let codes = tape.embedding(try tape.parameter("content_emb.emb.weight"), tokens)
    let positions = tape.sum(
      tape.embedding(heights, places.map { Int32($0 / columns) }), tape.embedding(widths, places.map { Int32($0 % columns) }))
    return tape.reshaped(tape.sum(codes, positions), [tokens.count / length, length, network.width])
  }

  private func block(
    _ tape: Tape, _ x: Node, _ name: String, timesteps: [Int], classes: [Int]
  ) throws(TrainingError) -> Node {
    let timed = try adaptiveNorm(
      tape, x, "\(name).ln1", kind: network.timestepNorm, indices: timesteps, count: network.timesteps)
    let projections = try tape.stackedLinear(timed, ["query", "key", "value"].map { "\(name).attn.\($0)" })
    let attended = try tape.linear(tape.selfAttention(projections, heads: network.heads), "\(name).attn.proj")
    let y = tape.sum(x, attended)
    let normed =
      if let kind = network.classNorm {
        try adaptiveNorm(tape, y, "\(name).ln2", kind: kind, indices: classes, count: network.classRows ?? 0)
      } else {
        try tape.layerNorm(y, "\(name).ln2")
      }
    return tape.sum(y, try feedForward(tape, normed, "\(name).mlp"))
  }

  /// Scale and shift from the code of an index (see `AdaptiveNorm`).
  private func adaptiveNorm(
    _ tape: Tape, _ x: Node, _ name: String, kind: VQDiffusionConfiguration.AdaptiveNormKind, indices: [Int], count: Int
  ) throws(TrainingError) -> Node {
    let code: Node
    switch kind {
    case .sinusoidalLayerNorm:
      let values = indices.flatMap { AdaptiveNormCode.sinusoidal($0, timesteps: count, width: network.width) }
      code = tape.constant(FloatTensor(values, shape: [indices.count, network.width]))
    case .layerNorm, .instanceNorm:
      code = tape.embedding(try tape.parameter("\(name).emb.weight"), indices.map { Int32($0) })
    }
    let modulation = try tape.linear(tape.applying(.silu, to: code), "\(name).linear")
    return kind == .instanceNorm ? tape.instanceNorm(x, modulation: modulation) : tape.layerNorm(x, modulation: modulation)
  }

  private func feedForward(_ tape: Tape, _ x: Node, _ name: String) throws(TrainingError) -> Node {
    let activation = network.activation.activation
    switch network.mlp {
    case .fullyConnected:
      return try tape.linear(tape.applying(activation, to: tape.linear(x, "\(name).0")), "\(name).2")
    case .convolutional:
      let image = tape.reshaped(x, [x.value.shape[0]] + network.grid + [network.width])
      let widened = try tape.applying(activation, to: tape.convolution(image, "\(name).conv1", kind: .same))
      return tape.reshaped(try tape.convolution(widened, "\(name).conv2", kind: .same), x.value.shape)
    }
  }
}
