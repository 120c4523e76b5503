/// The `vqvae/config.json` of a diffusers pipeline folder, under that library's field names.
///
/// Fields that don't change what tokens and images are, such as `force_upcast` and `lookup_from_codebook`, aren't read.
package struct DiffusersVQModel: Decodable, Sendable, Equatable {
  package var className: String?
  package var inputChannels: Int
  package var outputChannels: Int
  /// Channels of each level, finest first.
  package var channels: [Int]
  /// Finest first.
  package var downBlocks: [String]
  /// Coarsest first.
  package var upBlocks: [String]
  package var residualBlocks: Int
  package var latentChannels: Int
  package var codes: Int
  /// nil means `latentChannels`.
  package var codeDimension: Int?
  /// nil means 32.
  package var normGroups: Int?
  /// nil means group normalisation.
  package var normType: String?
  /// nil means SiLU.
  package var activation: String?
  /// nil means true.
  package var hasMiddleAttention: Bool?
  /// Not dependable: many folders hold the library's default, 32, whatever the size of the training images was.
  package var sampleSize: Int?

  enum CodingKeys: String, CodingKey {
    case className = "_class_name"
    case inputChannels = "in_channels"
    case outputChannels = "out_channels"
    case channels = "block_out_channels"
    case downBlocks = "down_block_types"
    case upBlocks = "up_block_types"
    case residualBlocks = "layers_per_block"
    case latentChannels = "latent_channels"
    case codes = "num_vq_embeddings"
    case codeDimension = "vq_embed_dim"
    case normGroups = "norm_num_groups"
    case normType = "norm_type"
    case activation = "act_fn"
    case hasMiddleAttention = "mid_block_add_attention"
    case sampleSize = "sample_size"
  }

  /// The same architecture in this project's terms. `resolution` is `sample_size`, but at least a pixel in every level.
  ///
  /// - Throws: `VQVAEError.invalidConfiguration`, naming the field as this file does, for what can't be represented.
  package func configuration() throws(VQVAEError) -> TamingVQGANConfiguration {
    try checkKind()
    let attending = try attendingLevels()
    var configuration = TamingVQGANConfiguration(
      channels: 1, channelMultipliers: [], residualBlocks: residualBlocks, attentionResolutions: [], resolution: 1,
      inputChannels: inputChannels, outputChannels: outputChannels, latentChannels: latentChannels,
      codeDimension: codeDimension ?? latentChannels, codes: codes, normGroups: normGroups == 32 ? nil : normGroups)
    configuration.setChannels(channels, first: channels[0])
    do {
      let smallest = configuration.downsamplingFactor
      try configuration.setAttention(levels: attending, resolution: max(sampleSize ?? smallest, smallest))
      try configuration.validate()
    } catch .invalidConfiguration(let field, let expected, let found) {
      throw .invalidConfiguration(field: Self.fields[field]?.stringValue ?? field, expected: expected, found: found)
    }
    return configuration
  }

  /// What isn't a number: the kinds of layers.
  private func checkKind() throws(VQVAEError) {
    func require(_ isTrue: Bool, _ field: CodingKeys, _ expected: String, _ found: Any) throws(VQVAEError) {
      try VQVAEError.require(isTrue, field.stringValue, expected, found)
    }
    try require(className ?? "VQModel" == "VQModel", .className, "VQModel", className ?? "")
    try require(normType ?? "group" == "group", .normType, "group", normType ?? "")
    try require(["silu", "swish"].contains(activation ?? "silu"), .activation, "silu", activation ?? "")
    try require(hasMiddleAttention ?? true, .hasMiddleAttention, "true", false)
    let (widths, groups) = (1...65536, normGroups ?? 32)
    try require(widths.contains(groups), .normGroups, "1...65536", groups)
    try require(
      (1...10).contains(channels.count) && channels.allSatisfy { widths.contains($0) && $0.isMultiple(of: groups) }, .channels,
      "1 to 10 numbers in 1...65536, divisible by \(groups)", channels)
  }

  /// The levels with attention, 0 the finest.
  private func attendingLevels() throws(VQVAEError) -> [Int] {
    let down = try attention(downBlocks, .downBlocks, plain: "DownEncoderBlock2D", attending: "AttnDownEncoderBlock2D")
    let up = try attention(upBlocks, .upBlocks, plain: "UpDecoderBlock2D", attending: "AttnUpDecoderBlock2D")
    try VQVAEError.require(
      up == down.reversed(), CodingKeys.upBlocks.stringValue,
      "attention on the levels that have it in \(CodingKeys.downBlocks.stringValue)", upBlocks)
    return down.indices.filter { down[$0] }
  }

  private func attention(
    _ blocks: [String], _ field: CodingKeys, plain: String, attending: String
  ) throws(VQVAEError) -> [Bool] {
    try VQVAEError.require(
      blocks.count == channels.count && blocks.allSatisfy { $0 == plain || $0 == attending }, field.stringValue,
      "\(channels.count) of \(plain) and \(attending)", blocks)
    return blocks.map { $0 == attending }
  }

  /// This file's field for each of the project's.
  private static let fields: [String: CodingKeys] = [
    "ch": .channels, "ch_mult": .channels, "conv_in_channels": .channels, "num_res_blocks": .residualBlocks,
    "resolution": .sampleSize, "out_ch": .outputChannels, "z_channels": .latentChannels, "embed_dim": .codeDimension,
    "n_embed": .codes, "norm_groups": .normGroups,
  ]
}
