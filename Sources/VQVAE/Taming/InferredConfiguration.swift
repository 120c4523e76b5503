import Checkpoint

// Reading a configuration off a checkpoint's names and shapes.
extension TamingVQGANConfiguration {
  /// The configuration of a VQGAN whose tensors are at hand, named as in the public checkpoints.
  ///
  /// Shapes don't tell everything. `ema` and `ema_cosine` have the same tensors, and the former is assumed; the number of groups
  /// of the normalisations leaves no trace. Which levels attend is seen, but not at what size of image that was stated:
  /// `attentionResolutions` are the sizes of exactly those levels, given `resolution`.
  ///
  /// - Parameters:
  ///   - resolution: height and width of the training images; nil for 256, which the public VQGANs have (more, where that
  ///     many levels need it).
  ///   - normGroups: nil for 32.
  /// - Throws: `VQVAEError.unrecognizedTensors` for tensors that aren't a VQGAN's, `.invalidConfiguration` for one that isn't
  ///   supported.
  package init(inferredFrom weights: WeightLoader, resolution: Int? = nil, normGroups: Int? = nil) throws(VQVAEError) {
    let tensors = Shapes(weights: weights)
    let levels = tensors.count { "encoder.down.\($0).block.0.conv1.weight" }
    let quantizer = try tensors.quantizer()
    var channels: [Int] = []
    for level in 0..<max(levels, 1) {
      channels.append(try tensors.size(of: "encoder.down.\(level).block.0.conv1.weight", 0, rank: 4))
    }
    let encoderInput = "encoder.conv_in.weight"
    self.init(
      channels: 1, channelMultipliers: [], residualBlocks: tensors.count { "encoder.down.0.block.\($0).conv1.weight" },
      attentionResolutions: [], resolution: 1, inputChannels: try tensors.size(of: encoderInput, 1, rank: 4),
      outputChannels: try tensors.size(of: "decoder.conv_out.weight", 0, rank: 4),
      latentChannels: try tensors.size(of: "encoder.conv_out.weight", 0, rank: 4),
      codeDimension: try tensors.size(of: "quant_conv.weight", 0, rank: 4),
      codes: try tensors.size(of: "quantize.\(quantizer.codesName)", 0, rank: 2), doubleLatent: false,
      quantizer: quantizer == .nearest ? nil : quantizer, normGroups: normGroups)
    setChannels(channels, first: try tensors.size(of: encoderInput, 0, rank: 4))
    let attending = (0..<levels).filter { weights.contains("encoder.down.\($0).attn.0.q.weight") }
    try setAttention(levels: attending, resolution: resolution ?? max(256, 1 << (levels - 1)))
    try validate()
  }

  /// Sets `channels`, `channelMultipliers` and `convInChannels`.
  ///
  /// - Parameters:
  ///   - levels: channels of each level, finest first; positive.
  ///   - first: of the encoder's first convolution; positive.
  mutating func setChannels(_ levels: [Int], first: Int) {
    let areMultiples = levels.allSatisfy { $0.isMultiple(of: first) }
    channels = areMultiples ? first : levels.reduce(0, Self.greatestCommonDivisor)
    channelMultipliers = levels.map { $0 / channels }
    convInChannels = areMultiples ? nil : first
  }

  /// Sets `resolution` and `attentionResolutions` such that exactly these levels attend.
  ///
  /// - Throws: `VQVAEError.invalidConfiguration` for a resolution that isn't a pixel in every level.
  mutating func setAttention(levels: [Int], resolution: Int) throws(VQVAEError) {
    try VQVAEError.require(
      resolution >= downsamplingFactor, CodingKeys.resolution.stringValue,
      "at least \(downsamplingFactor) with \(channelMultipliers.count) levels", resolution)
    self.resolution = resolution
    attentionResolutions = levels.map { resolution >> $0 }
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
}

/// Shapes of a VQGAN's tensors, as far as they are there.
private struct Shapes {
  let weights: WeightLoader

  /// How many numbers from 0 on make the name of a tensor.
  func count(_ name: (Int) -> String) -> Int {
    (0...).prefix { weights.contains(name($0)) }.count
  }

  /// One dimension of a tensor, at least 1.
  func size(of name: String, _ dimension: Int, rank: Int) throws(VQVAEError) -> Int {
    let shape = weights.shape(of: name)
    guard let shape, shape.count == rank, shape[dimension] > 0 else {
      throw unrecognized("tensor \"\(name)\" of \(rank) dimensions", shape.map { "shape \($0)" } ?? "none of that name")
    }
    return shape[dimension]
  }

  func quantizer() throws(VQVAEError) -> QuantizerKind {
    if let kind = QuantizerKind.allCases.first(where: { weights.contains("quantize.\($0.codesName)") }) { return kind }
    let names = Set(QuantizerKind.allCases.map { "quantize.\($0.codesName)" }).sorted().joined(separator: ", ")
    throw unrecognized("codebook, one of the tensors \(names)", "none of these names")
  }

  private func unrecognized(_ expected: String, _ found: String) -> VQVAEError {
    .unrecognizedTensors(file: weights.files, expected: expected, found: found)
  }
}
