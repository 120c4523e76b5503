import Transformer
import VQVAE

/// Parameters of a network, and the multiply-adds of one evaluation by the plain algorithm: those of linear layers, convolutions (as
/// im2col does them), attention and the codebook search. Norms, activations, biases and softmax aren't counted, nor is what a faster
/// algorithm saves: an *effective* rate computed from this can so exceed the machine's peak.
package struct WorkCount: Equatable, Sendable {
  package private(set) var parameters = 0
  package private(set) var multiplyAdds = 0

  private init() {}

  /// One sequence through a denoiser, all L logits, its text's keys and values included.
  package init(denoiser configuration: VQDiffusionConfiguration) {
    let (length, width) = (configuration.sequenceLength, configuration.width)
    table(configuration.codebookSize + 1, width)
    for rows in configuration.positionTable { table(rows, width) }
    for _ in 0..<configuration.layers {
      adaptiveNorm(configuration.timestepNorm, rows: configuration.timesteps, width: width)
      product(inputs: width, outputs: 3 * width, biases: 3 * width, rows: length)
      attention(queries: length, keys: length, width: width)
      product(inputs: width, outputs: width, biases: width, rows: length)
      if let textLength = configuration.textLength, let textWidth = configuration.textWidth {
        adaptiveNorm(configuration.timestepNorm, rows: configuration.timesteps, width: width)
        product(inputs: width, outputs: width, biases: width, rows: length)
        product(inputs: textWidth, outputs: 2 * width, biases: 2 * width, rows: textLength)
        attention(queries: length, keys: textLength, width: width)
        product(inputs: width, outputs: width, biases: width, rows: length)
      }
      if let kind = configuration.classNorm, let rows = configuration.classRows {
        adaptiveNorm(kind, rows: rows, width: width)
      } else {
        norm(width)
      }
      let (hidden, window) = (width * configuration.mlpHiddenMultiplier, configuration.mlp == .convolutional ? 3 : 1)
      convolution(inputs: width, outputs: hidden, window: window, pixels: length)
      convolution(inputs: hidden, outputs: width, window: window, pixels: length)
    }
    norm(width)
    product(inputs: width, outputs: configuration.codebookSize, biases: configuration.codebookSize, rows: length)
  }

  /// One image of a height and width in pixels to tokens, the search for the nearest codes included; the codebook counts as the
  /// encoder's parameters.
  package init(encoder configuration: TamingVQGANConfiguration, height: Int, width: Int) {
    var (pixels, channels) = (height * width, configuration.firstChannels)
    convolution(inputs: configuration.inputChannels, outputs: channels, window: 3, pixels: pixels)
    for (level, multiplier) in configuration.channelMultipliers.enumerated() {
      self.level(
        configuration, level, blocks: configuration.residualBlocks, channels: &channels,
        outputs: configuration.channels * multiplier, pixels: pixels)
      guard level < configuration.channelMultipliers.count - 1 else { continue }
      pixels /= 4
      convolution(inputs: channels, outputs: channels, window: 3, pixels: pixels)
    }
    middle(channels: channels, pixels: pixels)
    norm(channels)
    convolution(inputs: channels, outputs: configuration.latentChannels, window: 3, pixels: pixels)
    convolution(inputs: configuration.latentChannels, outputs: configuration.codeDimension, window: 1, pixels: pixels)
    product(inputs: configuration.codeDimension, outputs: configuration.codes, biases: 0, rows: pixels)
  }

  /// Tokens to one image of a height and width in pixels; without the codebook's parameters.
  package init(decoder configuration: TamingVQGANConfiguration, height: Int, width: Int) {
    let factor = configuration.downsamplingFactor
    var (pixels, channels) = (
      height / factor * (width / factor), configuration.channels * (configuration.channelMultipliers.last ?? 1)
    )
    convolution(inputs: configuration.codeDimension, outputs: configuration.latentChannels, window: 1, pixels: pixels)
    convolution(inputs: configuration.latentChannels, outputs: channels, window: 3, pixels: pixels)
    middle(channels: channels, pixels: pixels)
    for (level, multiplier) in configuration.channelMultipliers.enumerated().reversed() {
      self.level(
        configuration, level, blocks: configuration.residualBlocks + 1, channels: &channels,
        outputs: configuration.channels * multiplier, pixels: pixels)
      guard level > 0 else { continue }
      pixels *= 4
      convolution(inputs: channels, outputs: channels, window: 3, pixels: pixels)
    }
    norm(channels)
    convolution(inputs: channels, outputs: configuration.outputChannels, window: 3, pixels: pixels)
  }

  // MARK: Layers

  private mutating func table(_ rows: Int, _ width: Int) { parameters += rows * width }

  private mutating func norm(_ channels: Int) { parameters += 2 * channels }

  private mutating func product(inputs: Int, outputs: Int, biases: Int, rows: Int) {
    parameters += inputs * outputs + biases
    multiplyAdds += inputs * outputs * rows
  }

  private mutating func convolution(inputs: Int, outputs: Int, window: Int, pixels: Int) {
    product(inputs: window * window * inputs, outputs: outputs, biases: outputs, rows: pixels)
  }

  /// q kᵀ and the sum of the values.
  private mutating func attention(queries: Int, keys: Int, width: Int) { multiplyAdds += 2 * queries * keys * width }

  /// Scale and shift for one sequence.
  private mutating func adaptiveNorm(_ kind: VQDiffusionConfiguration.AdaptiveNormKind, rows: Int, width: Int) {
    if kind != .sinusoidalLayerNorm { table(rows, width) }
    product(inputs: width, outputs: 2 * width, biases: 2 * width, rows: 1)
  }

  private mutating func residualBlock(inputs: Int, outputs: Int, pixels: Int) {
    norm(inputs)
    convolution(inputs: inputs, outputs: outputs, window: 3, pixels: pixels)
    norm(outputs)
    convolution(inputs: outputs, outputs: outputs, window: 3, pixels: pixels)
    if inputs != outputs { convolution(inputs: inputs, outputs: outputs, window: 1, pixels: pixels) }
  }

  private mutating func attentionBlock(channels: Int, pixels: Int) {
    norm(channels)
    for _ in 0..<4 { convolution(inputs: channels, outputs: channels, window: 1, pixels: pixels) }
    attention(queries: pixels, keys: pixels, width: channels)
  }

  private mutating func middle(channels: Int, pixels: Int) {
    residualBlock(inputs: channels, outputs: channels, pixels: pixels)
    attentionBlock(channels: channels, pixels: pixels)
    residualBlock(inputs: channels, outputs: channels, pixels: pixels)
  }

  private mutating func level(
    _ configuration: TamingVQGANConfiguration, _ level: Int, blocks: Int, channels: inout Int, outputs: Int, pixels: Int
  ) {
    for _ in 0..<blocks {
      residualBlock(inputs: channels, outputs: outputs, pixels: pixels)
      channels = outputs
      // Which levels have attention follows from the size that the model was trained on.
      if configuration.attentionResolutions.contains(configuration.resolution >> level) {
        attentionBlock(channels: channels, pixels: pixels)
      }
    }
  }
}

// The families whose work is known; rows of others have no rates of operations.
extension WorkCount {
  /// One sequence through a denoising network; nil for a family that isn't counted.
  package static func denoiser(_ configuration: any NetworkConfiguration) -> WorkCount? {
    (configuration as? VQDiffusionConfiguration).map { WorkCount(denoiser: $0) }
  }

  /// One image of a height and width in pixels to tokens; nil for a family that isn't counted.
  package static func encoder(_ configuration: any TokenizerConfiguration, height: Int, width: Int) -> WorkCount? {
    (configuration as? TamingVQGANConfiguration).map { WorkCount(encoder: $0, height: height, width: width) }
  }

  /// Tokens to one image of a height and width in pixels; nil for a family that isn't counted.
  package static func decoder(_ configuration: any TokenizerConfiguration, height: Int, width: Int) -> WorkCount? {
    (configuration as? TamingVQGANConfiguration).map { WorkCount(decoder: $0, height: height, width: width) }
  }
}
