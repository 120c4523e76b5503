import Checkpoint
import Tensor

extension TamingVQGANConfiguration: TokenizerConfiguration {
  package static let family = "taming-vqgan"

  package var facts: TokenizerFacts {
    TokenizerFacts(codes: codes, height: resolution, width: resolution, pixelsPerToken: downsamplingFactor)
  }

  /// The grid of an image's tokens; nil unless both sides are multiples of `downsamplingFactor`.
  package func layout(height: Int, width: Int) -> TokenLayout? {
    let factor = downsamplingFactor
    guard height > 0, width > 0, height.isMultiple(of: factor), width.isMultiple(of: factor) else { return nil }
    return .grid(rows: height / factor, columns: width / factor)
  }

  package func imageSize(of layout: TokenLayout) -> (height: Int, width: Int)? {
    guard case .grid(let rows, let columns) = layout, layout.count > 0 else { return nil }
    let factor = downsamplingFactor
    let (height, width) = (rows.multipliedReportingOverflow(by: factor), columns.multipliedReportingOverflow(by: factor))
    return height.overflow || width.overflow ? nil : (height.partialValue, width.partialValue)
  }

  package var summary: String {
    "\(codes) codes of dimension \(codeDimension), \(downsamplingFactor)×\(downsamplingFactor) pixels per token, trained on "
      + "\(resolution)×\(resolution)"
  }

  /// The perceptual loss and the discriminator of training checkpoints, and the state of a codebook's moving average.
  package var unusedTensors: [String] { ["loss"] + (quantizer?.trainingNames ?? []).map { "quantize.\($0)" } }

  package func tokenizer(_ weights: WeightLoader, codebookMap: CodebookMap?) throws -> any ImageTokenizer {
    try TamingVQGAN(self, weights: weights, codebookMap: codebookMap)
  }
}

// The tensors, by their names in the public checkpoints.
extension TamingVQGANConfiguration {
  package var tensorShapes: [TensorShape] {
    var shapes = TensorShapes()
    addEncoder(to: &shapes)
    shapes.convolution("quant_conv", inputs: latentChannels, outputs: codeDimension, window: 1)
    shapes.add("quantize.\((quantizer ?? .nearest).codesName)", [codes, codeDimension])
    if quantizer == .gumbel { shapes.convolution("quantize.proj", inputs: codeDimension, outputs: codes, window: 1) }
    shapes.convolution("post_quant_conv", inputs: codeDimension, outputs: latentChannels, window: 1)
    addDecoder(to: &shapes)
    return shapes.tensors
  }

  private func addEncoder(to shapes: inout TensorShapes) {
    shapes.convolution("encoder.conv_in", inputs: inputChannels, outputs: firstChannels, window: 3)
    var inputs = firstChannels
    for level in 0..<channelMultipliers.count {
      let outputs = channels(level: level)
      addLevel("encoder.down.\(level)", level, blocks: residualBlocks, inputs: inputs, to: &shapes)
      if level < channelMultipliers.count - 1 {
        shapes.convolution("encoder.down.\(level).downsample.conv", inputs: outputs, outputs: outputs, window: 3)
      }
      inputs = outputs
    }
    addMiddle("encoder.mid", to: &shapes)
    shapes.norm("encoder.norm_out", channels: deepestChannels)
    shapes.convolution("encoder.conv_out", inputs: deepestChannels, outputs: latentChannels, window: 3)
  }

  private func addDecoder(to shapes: inout TensorShapes) {
    shapes.convolution("decoder.conv_in", inputs: latentChannels, outputs: deepestChannels, window: 3)
    addMiddle("decoder.mid", to: &shapes)
    var inputs = deepestChannels
    for level in (0..<channelMultipliers.count).reversed() {
      let outputs = channels(level: level)
      addLevel("decoder.up.\(level)", level, blocks: residualBlocks + 1, inputs: inputs, to: &shapes)
      if level > 0 { shapes.convolution("decoder.up.\(level).upsample.conv", inputs: outputs, outputs: outputs, window: 3) }
      inputs = outputs
    }
    shapes.norm("decoder.norm_out", channels: channels(level: 0))
    shapes.convolution("decoder.conv_out", inputs: channels(level: 0), outputs: outputChannels, window: 3)
  }

  private func addLevel(_ name: String, _ level: Int, blocks: Int, inputs: Int, to shapes: inout TensorShapes) {
    let outputs = channels(level: level)
    for block in 0..<blocks {
      addResidualBlock("\(name).block.\(block)", inputs: block == 0 ? inputs : outputs, outputs: outputs, to: &shapes)
      if hasAttention(level: level) { addAttention("\(name).attn.\(block)", channels: outputs, to: &shapes) }
    }
  }

  private func addMiddle(_ name: String, to shapes: inout TensorShapes) {
    let channels = deepestChannels
    addResidualBlock("\(name).block_1", inputs: channels, outputs: channels, to: &shapes)
    addAttention("\(name).attn_1", channels: channels, to: &shapes)
    addResidualBlock("\(name).block_2", inputs: channels, outputs: channels, to: &shapes)
  }

  private func addResidualBlock(_ name: String, inputs: Int, outputs: Int, to shapes: inout TensorShapes) {
    shapes.norm("\(name).norm1", channels: inputs)
    shapes.convolution("\(name).conv1", inputs: inputs, outputs: outputs, window: 3)
    shapes.norm("\(name).norm2", channels: outputs)
    shapes.convolution("\(name).conv2", inputs: outputs, outputs: outputs, window: 3)
    if inputs != outputs { shapes.convolution("\(name).nin_shortcut", inputs: inputs, outputs: outputs, window: 1) }
  }

  private func addAttention(_ name: String, channels: Int, to shapes: inout TensorShapes) {
    shapes.norm("\(name).norm", channels: channels)
    for part in ["q", "k", "v", "proj_out"] {
      shapes.convolution("\(name).\(part)", inputs: channels, outputs: channels, window: 1)
    }
  }
}
