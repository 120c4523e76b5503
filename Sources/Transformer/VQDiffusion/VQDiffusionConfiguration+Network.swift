import Checkpoint
import Tensor

extension VQDiffusionConfiguration: NetworkConfiguration {
  package static let family = "vq-diffusion"

  package var layout: TokenLayout { .grid(rows: grid[0], columns: grid[1]) }

  package var facts: NetworkFacts {
    let conditioning: NetworkFacts.Conditioning =
      switch kind {
      case .unconditional: .none
      case .text: .text(length: textLength ?? 0, width: textWidth ?? 0)
      case .classConditional:
        .classes(
          count: (classRows ?? 0) - (unconditionalClass == nil ? 0 : 1), hasNoClass: unconditionalClass != nil,
          canAverage: classNorm != .sinusoidalLayerNorm)
      }
    return NetworkFacts(codes: codebookSize, layout: layout, conditioning: conditioning, timesteps: timesteps)
  }

  package var summary: String {
    let condition: String
    switch kind {
    case .unconditional: condition = "unconditional"
    case .text: condition = "text-conditional, \(textLength ?? 0) text vectors of width \(textWidth ?? 0)"
    case .classConditional:
      let unconditional = unconditionalClass.map { " (\($0) is no class)" } ?? ""
      condition = "class-conditional, \(classRows ?? 0) class rows\(unconditional)"
    }
    return "\(condition), \(layers) layers of width \(width), \(heads) heads, \(grid[0])×\(grid[1]) tokens of "
      + "\(codebookSize) codes, \(timesteps) timesteps"
  }

  package var unusedTensors: [String] {
    kind == .text ? (0..<layers).map { "blocks.\($0).\(TransformerBlock.unusedTextMask)" } : []
  }

  package func network(_ weights: WeightLoader) throws -> any DenoisingNetwork {
    try VQDiffusionTransformer(self, weights: weights)
  }
}

// The tensors, by their names in the public checkpoints.
extension VQDiffusionConfiguration {
  package var tensorShapes: [TensorShape] {
    var shapes = TensorShapes()
    shapes.add("content_emb.emb.weight", [codebookSize + 1, width])
    for (name, rows) in zip(["height_emb", "width_emb"], positionTable) {
      switch positionKind {
      case .embedding: shapes.add("content_emb.\(name).weight", [rows, width])
      case .parameter: shapes.add("content_emb.\(name)", [1, rows, width])
      }
    }
    for layer in 0..<layers { addBlock("blocks.\(layer)", to: &shapes) }
    shapes.norm("to_logits.0", channels: width)
    shapes.linear("to_logits.1", inputs: width, outputs: codebookSize)
    return shapes.tensors
  }

  private func addBlock(_ name: String, to shapes: inout TensorShapes) {
    func addAttention(_ name: String, keyInputs: Int) {
      shapes.linear("\(name).query", inputs: width, outputs: width)
      for projection in ["key", "value"] { shapes.linear("\(name).\(projection)", inputs: keyInputs, outputs: width) }
      shapes.linear("\(name).proj", inputs: width, outputs: width)
    }
    func addAdaptiveNorm(_ name: String, _ kind: AdaptiveNormKind, rows: Int) {
      if kind != .sinusoidalLayerNorm { shapes.add("\(name).emb.weight", [rows, width]) }
      shapes.linear("\(name).linear", inputs: width, outputs: 2 * width)
    }
    addAdaptiveNorm("\(name).ln1", timestepNorm, rows: timesteps)
    addAttention(kind == .text ? "\(name).attn1" : "\(name).attn", keyInputs: width)
    if let textWidth {
      addAdaptiveNorm("\(name).ln1_1", timestepNorm, rows: timesteps)
      addAttention("\(name).attn2", keyInputs: textWidth)
    }
    if let classNorm {
      addAdaptiveNorm("\(name).ln2", classNorm, rows: classRows ?? 0)
    } else {
      shapes.norm("\(name).ln2", channels: width)
    }
    let hidden = width * mlpHiddenMultiplier
    switch mlp {
    case .fullyConnected:
      shapes.linear("\(name).mlp.0", inputs: width, outputs: hidden)
      shapes.linear("\(name).mlp.2", inputs: hidden, outputs: width)
    case .convolutional:
      shapes.convolution("\(name).mlp.conv1", inputs: width, outputs: hidden, window: 3)
      shapes.convolution("\(name).mlp.conv2", inputs: hidden, outputs: width, window: 3)
    }
  }
}
