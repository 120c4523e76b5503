import Checkpoint

extension DiffusersVQModel {
  /// The public checkpoints' names for the tensors of a diffusers VQModel.
  ///
  /// Every tensor that the architecture needs is listed, there or not. Names that it has no place for come last and stay as
  /// they are, so that strict loading reports them.
  ///
  /// - Parameter originals: the names in the file, which tell how the attention layers are called.
  /// - Throws: as `configuration`.
  package func tensors(among originals: [String]) throws(VQVAEError) -> [RenamedTensors.Entry] {
    var names = DiffusersNames(configuration: try configuration(), originals: Set(originals))
    for name in ["quant_conv", "post_quant_conv"] { names.layer(name, name) }
    names.add("quantize.embedding.weight", "quantize.embedding.weight")
    names.encoder()
    names.decoder()
    let known = Set(names.tensors.map(\.original))
    return names.tensors + originals.filter { !known.contains($0) }.map { .init(name: $0, original: $0) }
  }
}

/// Collects the names of an autoencoder's tensors, layer by layer.
private struct DiffusersNames {
  let configuration: TamingVQGANConfiguration
  let originals: Set<String>
  private(set) var tensors: [RenamedTensors.Entry] = []

  init(configuration: TamingVQGANConfiguration, originals: Set<String>) {
    self.configuration = configuration
    self.originals = originals
  }

  mutating func encoder() {
    let levels = configuration.channelMultipliers.count
    ends("encoder")
    var inputs = configuration.firstChannels
    for level in 0..<levels {
      self.level(
        level, "encoder.down.\(level)", "encoder.down_blocks.\(level)", blocks: configuration.residualBlocks, inputs: inputs)
      inputs = configuration.channels(level: level)
      if level < levels - 1 {
        layer("encoder.down.\(level).downsample.conv", "encoder.down_blocks.\(level).downsamplers.0.conv")
      }
    }
  }

  mutating func decoder() {
    let levels = configuration.channelMultipliers.count
    ends("decoder")
    var inputs = configuration.deepestChannels
    for (index, level) in (0..<levels).reversed().enumerated() {
      let (name, original) = ("decoder.up.\(level)", "decoder.up_blocks.\(index)")
      self.level(level, name, original, blocks: configuration.residualBlocks + 1, inputs: inputs)
      inputs = configuration.channels(level: level)
      if level > 0 { layer("\(name).upsample.conv", "\(original).upsamplers.0.conv") }
    }
  }

  /// What comes before and after the levels.
  private mutating func ends(_ part: String) {
    for name in ["conv_in", "conv_out"] { layer("\(part).\(name)", "\(part).\(name)") }
    layer("\(part).norm_out", "\(part).conv_norm_out")
    for block in 0..<2 {
      residualBlock("\(part).mid.block_\(block + 1)", "\(part).mid_block.resnets.\(block)", hasShortcut: false)
    }
    attention("\(part).mid.attn_1", "\(part).mid_block.attentions.0", channels: configuration.deepestChannels)
  }

  private mutating func level(_ level: Int, _ name: String, _ original: String, blocks: Int, inputs: Int) {
    let outputs = configuration.channels(level: level)
    for block in 0..<blocks {
      residualBlock(
        "\(name).block.\(block)", "\(original).resnets.\(block)", hasShortcut: block == 0 && inputs != outputs)
      guard configuration.hasAttention(level: level) else { continue }
      attention("\(name).attn.\(block)", "\(original).attentions.\(block)", channels: outputs)
    }
  }

  private mutating func residualBlock(_ name: String, _ original: String, hasShortcut: Bool) {
    for part in ["norm1", "conv1", "norm2", "conv2"] { layer("\(name).\(part)", "\(original).\(part)") }
    if hasShortcut { layer("\(name).nin_shortcut", "\(original).conv_shortcut") }
  }

  /// Linear layers [C, C] as 1×1 convolutions, under their present names or those of older files.
  private mutating func attention(_ name: String, _ original: String, channels: Int) {
    let isOld = originals.contains("\(original).query.weight")
    let projections = isOld ? ["query", "key", "value", "proj_attn"] : ["to_q", "to_k", "to_v", "to_out.0"]
    layer("\(name).norm", "\(original).group_norm")
    for (part, projection) in zip(["q", "k", "v", "proj_out"], projections) {
      layer("\(name).\(part)", "\(original).\(projection)", weightShape: [channels, channels, 1, 1])
    }
  }

  mutating func layer(_ name: String, _ original: String, weightShape: [Int]? = nil) {
    add("\(name).weight", "\(original).weight", weightShape)
    add("\(name).bias", "\(original).bias")
  }

  mutating func add(_ name: String, _ original: String, _ shape: [Int]? = nil) {
    tensors.append(.init(name: name, original: original, shape: shape))
  }
}
