import Checkpoint
import Tensor

/// Image [B, H, W, 3] in −1…1 to latents [B, H/f, W/f, z].
struct Encoder: Sendable {
  private let convIn, convOut: Convolution
  private let levels: [Level]
  private let downsamplings: [Downsampling]
  private let middle: MiddleBlock
  private let normOut: GroupNorm

  init(_ weights: WeightLoader, _ configuration: TamingVQGANConfiguration) throws {
    let first = configuration.firstChannels
    convIn = try weights.convolution("conv_in", inputs: configuration.inputChannels, outputs: first, kind: .same)
    let groups = configuration.groups
    let count = configuration.channelMultipliers.count
    levels = try (0..<count).map { level in
      try Level(
        weights.scope("down.\(level)"), blocks: configuration.residualBlocks,
        inputs: level == 0 ? first : configuration.channels(level: level - 1),
        outputs: configuration.channels(level: level), groups: groups,
        hasAttention: configuration.hasAttention(level: level))
    }
    downsamplings = try (0..<count - 1).map {
      try Downsampling(weights.scope("down.\($0).downsample"), channels: configuration.channels(level: $0))
    }
    let deepest = configuration.deepestChannels
    middle = try MiddleBlock(weights.scope("mid"), channels: deepest, groups: groups)
    normOut = try GroupNorm(weights.scope("norm_out"), channels: deepest, groups: groups)
    convOut = try weights.convolution("conv_out", inputs: deepest, outputs: configuration.latentChannels, kind: .same)
  }

  func callAsFunction(_ image: FloatTensor) -> FloatTensor { latents(features(image)) }

  /// What the last convolution reads: [B, H/f, W/f, channels of the coarsest level], after normalisation and SiLU.
  func features(_ image: FloatTensor) -> FloatTensor {
    var x = convIn(image)
    for (index, level) in levels.enumerated() {
      x = level(x)
      if index < downsamplings.count { x = downsamplings[index](x) }
    }
    return normOut(middle(x), activation: .silu)
  }

  /// The encoder's output from its last features.
  func latents(_ features: FloatTensor) -> FloatTensor { convOut(features) }
}
