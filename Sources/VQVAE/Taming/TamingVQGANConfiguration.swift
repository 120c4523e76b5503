/// The architecture of an image autoencoder, as `vqvae/config.json` of a model folder states it, under the names of the
/// public VQGAN configurations.
public struct TamingVQGANConfiguration: Codable, Sendable, Equatable {
  /// Channels of the finest level.
  public var channels: Int
  /// Channels of each level as multiples of `channels`, finest first.
  public var channelMultipliers: [Int]
  public var residualBlocks: Int
  /// Sizes, of an image of `resolution` pixels, at which each residual block is followed by attention. Which levels
  /// those are is fixed by the configuration, never by the image at hand.
  public var attentionResolutions: [Int]
  /// Height and width of the images that the model was trained on.
  public var resolution: Int
  public var inputChannels: Int
  public var outputChannels: Int
  /// Channels of the encoder's output.
  public var latentChannels: Int
  /// Dimension of a code.
  public var codeDimension: Int
  /// Codes in the codebook.
  public var codes: Int
  /// True only in variational autoencoders, which aren't supported.
  public var doubleLatent: Bool?
  /// How latents choose their codes; nil means `nearest`.
  public var quantizer: QuantizerKind?
  /// Groups of every group normalisation; nil means 32.
  public var normGroups: Int?
  /// Channels that the encoder's first convolution makes; nil means `channels`.
  public var convInChannels: Int?

  /// What isn't named is as in most models.
  package init(
    channels: Int, channelMultipliers: [Int], residualBlocks: Int, attentionResolutions: [Int], resolution: Int,
    inputChannels: Int, outputChannels: Int, latentChannels: Int, codeDimension: Int, codes: Int,
    doubleLatent: Bool? = nil, quantizer: QuantizerKind? = nil, normGroups: Int? = nil, convInChannels: Int? = nil
  ) {
    (self.channels, self.channelMultipliers, self.residualBlocks) = (channels, channelMultipliers, residualBlocks)
    (self.attentionResolutions, self.resolution) = (attentionResolutions, resolution)
    (self.inputChannels, self.outputChannels, self.latentChannels) = (inputChannels, outputChannels, latentChannels)
    (self.codeDimension, self.codes) = (codeDimension, codes)
    (self.doubleLatent, self.quantizer) = (doubleLatent, quantizer)
    (self.normGroups, self.convInChannels) = (normGroups, convInChannels)
  }

  enum CodingKeys: String, CodingKey {
    case resolution
    case channels = "ch"
    case channelMultipliers = "ch_mult"
    case residualBlocks = "num_res_blocks"
    case attentionResolutions = "attn_resolutions"
    case inputChannels = "in_channels"
    case outputChannels = "out_ch"
    case latentChannels = "z_channels"
    case codeDimension = "embed_dim"
    case codes = "n_embed"
    case doubleLatent = "double_z"
    case quantizer
    case normGroups = "norm_groups"
    case convInChannels = "conv_in_channels"
  }

  /// Pixels per token in each direction: 2^(levels − 1).
  public var downsamplingFactor: Int { 1 << (channelMultipliers.count - 1) }

  /// Whether residual blocks of a level (0 = finest) are followed by attention.
  package func hasAttention(level: Int) -> Bool { attentionResolutions.contains(resolution >> level) }

  /// Groups of every group normalisation.
  package var groups: Int { normGroups ?? 32 }

  /// Channels that the encoder's first convolution makes.
  package var firstChannels: Int { convInChannels ?? channels }

  func channels(level: Int) -> Int { channels * channelMultipliers[level] }

  /// Channels of the coarsest level: of what the encoder's last convolution reads.
  package var deepestChannels: Int { channels(level: channelMultipliers.count - 1) }

  /// Checks that the numbers fit together.
  ///
  /// - Throws: `VQVAEError.invalidConfiguration`.
  public func validate() throws(VQVAEError) {
    func require(_ isTrue: Bool, _ field: CodingKeys, _ expected: String, _ found: Any) throws(VQVAEError) {
      try VQVAEError.require(isTrue, field.stringValue, expected, found)
    }
    let widths = 1...65536
    try require((1...10).contains(channelMultipliers.count), .channelMultipliers, "1 to 10 levels", channelMultipliers)
    try require(widths.contains(channels), .channels, "1...65536", channels)
    try require(widths.contains(groups), .normGroups, "1...65536", groups)
    for multiplier in channelMultipliers {
      try require(
        (1...1024).contains(multiplier) && (channels * multiplier).isMultiple(of: groups), .channelMultipliers,
        "multipliers that make channels divisible by \(groups)", channelMultipliers)
    }
    try require(
      widths.contains(firstChannels) && firstChannels.isMultiple(of: groups),
      convInChannels == nil ? .channels : .convInChannels, "1...65536, divisible by \(groups)", firstChannels)
    try require((1...64).contains(residualBlocks), .residualBlocks, "1...64", residualBlocks)
    try require((1...65536).contains(resolution), .resolution, "1...65536", resolution)
    try require(inputChannels == 3, .inputChannels, "3", inputChannels)
    try require(outputChannels == 3, .outputChannels, "3", outputChannels)
    try require(widths.contains(latentChannels), .latentChannels, "1...65536", latentChannels)
    try require(widths.contains(codeDimension), .codeDimension, "1...65536", codeDimension)
    try require((1...(1 << 24)).contains(codes), .codes, "1...16777216", codes)
    try require(doubleLatent != true, .doubleLatent, "false", true)
    try require(
      quantizer != .gumbel || codeDimension == latentChannels, .codeDimension,
      "z_channels (\(latentChannels)) with the gumbel quantizer", codeDimension)
  }
}
