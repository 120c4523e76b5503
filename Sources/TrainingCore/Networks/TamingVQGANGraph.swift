import Tensor
import VQVAE

/// The VQGAN autoencoder in training: the forward passes of `TamingVQGAN` on a tape, over parameters that change.
package struct TamingVQGANGraph: Sendable {
  let network: TamingVQGANConfiguration

  /// - Throws: `VQVAEError.invalidConfiguration`.
  package init(_ configuration: TamingVQGANConfiguration) throws {
    try configuration.validate()
    network = configuration
  }

  private var levels: Int { network.channelMultipliers.count }

  /// What is quantised, [B, h, w, code dimension], of images [B, H, W, 3] in −1…1.
  ///
  /// - Throws: `TrainingError.unknown` for a parameter that the network has and the set hasn't.
  package func latents(_ tape: Tape, of images: FloatTensor) throws(TrainingError) -> Node {
    var x = try tape.convolution(tape.constant(images), "encoder.conv_in", kind: .same)
    for level in 0..<levels {
      x = try residualLevel(tape, x, "encoder.down", level, blocks: network.residualBlocks)
      if level < levels - 1 {
        x = try tape.convolution(x, "encoder.down.\(level).downsample.conv", kind: .downsampling)
      }
    }
    let features = try tape.groupNorm(
      middle(tape, x, "encoder.mid"), "encoder.norm_out", groups: network.groups, activation: .silu)
    return try tape.convolution(tape.convolution(features, "encoder.conv_out", kind: .same), "quant_conv", kind: .pointwise)
  }

  /// Images [B, H, W, 3], about −1…1, of quantised latents [B, h, w, code dimension].
  ///
  /// - Throws: as `latents`.
  package func images(_ tape: Tape, of quantized: Node) throws(TrainingError) -> Node {
    let input = try tape.convolution(
      tape.convolution(quantized, "post_quant_conv", kind: .pointwise), "decoder.conv_in", kind: .same)
    var x = try middle(tape, input, "decoder.mid")
    for level in (0..<levels).reversed() {
      x = try residualLevel(tape, x, "decoder.up", level, blocks: network.residualBlocks + 1)
      if level > 0 {
        x = try tape.convolution(tape.upsampledNearest(x), "decoder.up.\(level).upsample.conv", kind: .same)
      }
    }
    let features = try tape.groupNorm(x, "decoder.norm_out", groups: network.groups, activation: .silu)
    return try tape.convolution(features, "decoder.conv_out", kind: .same)
  }

  private func residualLevel(
    _ tape: Tape, _ x: Node, _ name: String, _ level: Int, blocks: Int
  ) throws(TrainingError) -> Node {
    var x = x
    for block in 0..<blocks {
      x = try residualBlock(tape, x, "\(name).\(level).block.\(block)")
      if network.hasAttention(level: level) { x = try attention(tape, x, "\(name).\(level).attn.\(block)") }
    }
    return x
  }

  private func middle(_ tape: Tape, _ x: Node, _ name: String) throws(TrainingError) -> Node {
    let first = try residualBlock(tape, x, "\(name).block_1")
    return try residualBlock(tape, attention(tape, first, "\(name).attn_1"), "\(name).block_2")
  }

  /// x + conv(SiLU(norm(conv(SiLU(norm(x)))))), with a 1×1 convolution on x where the width changes.
  private func residualBlock(_ tape: Tape, _ x: Node, _ name: String) throws(TrainingError) -> Node {
    let groups = network.groups
    let first = try tape.convolution(
      tape.groupNorm(x, "\(name).norm1", groups: groups, activation: .silu), "\(name).conv1", kind: .same)
    let second = try tape.convolution(
      tape.groupNorm(first, "\(name).norm2", groups: groups, activation: .silu), "\(name).conv2", kind: .same)
    let shortcut =
      x.value.shape == second.value.shape ? x : try tape.convolution(x, "\(name).nin_shortcut", kind: .pointwise)
    return tape.sum(shortcut, second)
  }

  /// x + proj(attention(norm(x))): one head over all pixels.
  private func attention(_ tape: Tape, _ x: Node, _ name: String) throws(TrainingError) -> Node {
    let shape = x.value.shape
    let rows = [shape[0], shape[1] * shape[2], shape[3]]
    let normed = tape.reshaped(try tape.groupNorm(x, "\(name).norm", groups: network.groups), rows)
    let projections = try tape.stackedLinear(normed, ["q", "k", "v"].map { "\(name).\($0)" })
    let attended = tape.reshaped(tape.selfAttention(projections, heads: 1), shape)
    return tape.sum(x, try tape.convolution(attended, "\(name).proj_out", kind: .pointwise))
  }
}
