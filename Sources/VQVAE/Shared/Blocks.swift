import Checkpoint
import Tensor

// The building blocks of the VQGAN autoencoder (Esser et al. 2021), over images [B, H, W, C].

/// Group normalisation, ε = 1e-6.
struct GroupNorm: Sendable {
  private let groups: Int
  private let weight: FloatTensor
  private let bias: FloatTensor

  init(_ weights: WeightLoader, channels: Int, groups: Int) throws(CheckpointError) {
    self.groups = groups
    weight = try weights.tensor("weight", [channels])
    bias = try weights.tensor("bias", [channels])
  }

  func callAsFunction(_ x: FloatTensor, activation: Activation = .identity) -> FloatTensor {
    x.groupNorm(groups: groups, weight: weight, bias: bias, epsilon: 1e-6, activation: activation)
  }
}

/// x + conv(SiLU(norm(conv(SiLU(norm(x)))))), with a 1×1 convolution on x where the width changes.
package struct ResidualBlock: Sendable {
  private let norm1, norm2: GroupNorm
  private let conv1, conv2: Convolution
  private let shortcut: Convolution?

  package init(_ weights: WeightLoader, inputs: Int, outputs: Int, groups: Int) throws(CheckpointError) {
    norm1 = try GroupNorm(weights.scope("norm1"), channels: inputs, groups: groups)
    conv1 = try weights.convolution("conv1", inputs: inputs, outputs: outputs, kind: .same)
    norm2 = try GroupNorm(weights.scope("norm2"), channels: outputs, groups: groups)
    conv2 = try weights.convolution("conv2", inputs: outputs, outputs: outputs, kind: .same)
    shortcut =
      inputs == outputs ? nil : try weights.convolution("nin_shortcut", inputs: inputs, outputs: outputs, kind: .pointwise)
  }

  package func callAsFunction(_ x: FloatTensor) -> FloatTensor {
    let hidden = conv1(norm1(x, activation: .silu))
    var y = shortcut.map { $0(x) } ?? x
    conv2.add(norm2(hidden, activation: .silu), to: &y)
    return y
  }
}

/// x + proj(attention(norm(x))): single-head attention over all pixels, scores · C^(−1/2).
package struct AttentionBlock: Sendable {
  private let norm: GroupNorm
  private let queryKeyValue: Linear
  private let projection: Convolution
  private let products: ComputeOptions.Products

  package init(_ weights: WeightLoader, channels: Int, groups: Int) throws(CheckpointError) {
    norm = try GroupNorm(weights.scope("norm"), channels: channels, groups: groups)
    products = weights.options.products
    queryKeyValue = try weights.stackedLinear(["q", "k", "v"], width: channels, arePointwise: true)
    projection = try weights.convolution("proj_out", inputs: channels, outputs: channels, kind: .pointwise)
  }

  package func callAsFunction(_ x: FloatTensor) -> FloatTensor {
    let (batch, pixels, channels) = (x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
    let attended = queryKeyValue(norm(x).reshaped([batch, pixels, channels])).selfAttention(heads: 1, products: products)
    var y = x
    projection.add(attended.reshaped(x.shape), to: &y)
    return y
  }
}

/// Halves the size: zeros on the right and at the bottom, then a 3×3 convolution of stride 2.
package struct Downsampling: Sendable {
  private let convolution: Convolution

  package init(_ weights: WeightLoader, channels: Int) throws(CheckpointError) {
    convolution = try weights.convolution("conv", inputs: channels, outputs: channels, kind: .downsampling)
  }

  package func callAsFunction(_ x: FloatTensor) -> FloatTensor { convolution(x) }
}

/// Doubles the size: nearest neighbour, then a 3×3 convolution.
package struct Upsampling: Sendable {
  private let convolution: Convolution

  package init(_ weights: WeightLoader, channels: Int) throws(CheckpointError) {
    convolution = try weights.convolution("conv", inputs: channels, outputs: channels, kind: .same)
  }

  package func callAsFunction(_ x: FloatTensor) -> FloatTensor { convolution(x.upsampledNearest()) }
}

/// Residual, attention, residual: the middle of encoder and decoder.
struct MiddleBlock: Sendable {
  private let block1, block2: ResidualBlock
  private let attention: AttentionBlock

  init(_ weights: WeightLoader, channels: Int, groups: Int) throws(CheckpointError) {
    block1 = try ResidualBlock(weights.scope("block_1"), inputs: channels, outputs: channels, groups: groups)
    attention = try AttentionBlock(weights.scope("attn_1"), channels: channels, groups: groups)
    block2 = try ResidualBlock(weights.scope("block_2"), inputs: channels, outputs: channels, groups: groups)
  }

  func callAsFunction(_ x: FloatTensor) -> FloatTensor { block2(attention(block1(x))) }
}

/// The residual blocks of one resolution, each followed by attention if the level has it.
struct Level: Sendable {
  private let blocks: [ResidualBlock]
  private let attentions: [AttentionBlock]

  init(_ weights: WeightLoader, blocks count: Int, inputs: Int, outputs: Int, groups: Int, hasAttention: Bool) throws {
    blocks = try (0..<count).map {
      try ResidualBlock(weights.scope("block.\($0)"), inputs: $0 == 0 ? inputs : outputs, outputs: outputs, groups: groups)
    }
    attentions = try (0..<(hasAttention ? count : 0)).map {
      try AttentionBlock(weights.scope("attn.\($0)"), channels: outputs, groups: groups)
    }
  }

  func callAsFunction(_ x: FloatTensor) -> FloatTensor {
    blocks.indices.reduce(x) { x, index in
      let y = blocks[index](x)
      return attentions.isEmpty ? y : attentions[index](y)
    }
  }
}
