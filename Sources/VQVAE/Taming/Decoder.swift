import Checkpoint
import Tensor

/// Latents [B, h, w, z] to an image [B, h·f, w·f, 3], about −1…1.
///
/// Each level has one residual block more than the encoder's; `up.0` is the finest and comes last.
struct Decoder: Sendable {
  private let convIn, convOut: Convolution
  private let middle: MiddleBlock
  /// Coarsest first.
  private let levels: [Level]
  private let upsamplings: [Upsampling]
  private let normOut: GroupNorm

  init(_ weights: WeightLoader, _ configuration: TamingVQGANConfiguration) throws {
    let count = configuration.channelMultipliers.count
    let groups = configuration.groups
    let deepest = configuration.deepestChannels
    convIn = try weights.convolution("conv_in", inputs: configuration.latentChannels, outputs: deepest, kind: .same)
    middle = try MiddleBlock(weights.scope("mid"), channels: deepest, groups: groups)
    let coarsestFirst = (0..<count).reversed()
    levels = try coarsestFirst.map { level in
      try Level(
        weights.scope("up.\(level)"), blocks: configuration.residualBlocks + 1,
        inputs: level == count - 1 ? deepest : configuration.channels(level: level + 1),
        outputs: configuration.channels(level: level), groups: groups,
        hasAttention: configuration.hasAttention(level: level))
    }
    upsamplings = try coarsestFirst.dropLast().map {
      try Upsampling(weights.scope("up.\($0).upsample"), channels: configuration.channels(level: $0))
    }
    let finest = configuration.channels(level: 0)
    normOut = try GroupNorm(weights.scope("norm_out"), channels: finest, groups: groups)
    convOut = try weights.convolution("conv_out", inputs: finest, outputs: configuration.outputChannels, kind: .same)
  }

  func callAsFunction(_ latents: FloatTensor) -> FloatTensor {
    var x = middle(convIn(latents))
    for (index, level) in levels.enumerated() {
      x = level(x)
      if index < upsamplings.count { x = upsamplings[index](x) }
    }
    return convOut(normOut(x, activation: .silu))
  }
}
