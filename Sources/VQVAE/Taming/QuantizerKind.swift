import Checkpoint
import Tensor

/// How latents choose their codes, and under which names a checkpoint holds the codebook.
public enum QuantizerKind: String, Codable, Sendable, Equatable, CaseIterable {
  /// The code at the smallest Euclidean distance (van den Oord et al. 2017, Eq. 1); `quantize.embedding.weight`.
  case nearest
  /// The code of the largest logit, which a 1×1 convolution after `quant_conv` gives; `quantize.proj`, `quantize.embed.weight`.
  ///
  /// The public encoder draws from softmax(logits) instead, even in evaluation, so its tokens differ from call to call;
  /// that isn't offered.
  case gumbel
  /// As `nearest`, of a codebook trained as a moving average of the latents; `quantize.embedding`.
  case ema
  /// The code of the largest z·e/|z|, of a codebook trained as a moving average; `quantize.embedding`. Codes are
  /// compared as they are stored: training alone normalises them.
  case emaCosine = "ema_cosine"

  /// The name of the codebook's tensor [codes, dimension], below `quantize`.
  var codesName: String {
    switch self {
    case .nearest: "embedding.weight"
    case .gumbel: "embed.weight"
    case .ema, .emaCosine: "embedding"
    }
  }

  /// Tensors below `quantize` that only training reads.
  var trainingNames: [String] {
    switch self {
    case .nearest, .gumbel: []
    case .ema, .emaCosine: ["cluster_size", "embedding_avg"]
    }
  }
}

extension Codebook {
  /// - Parameter weights: the scope `quantize`.
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, `.wrongElementType`.
  init(_ weights: WeightLoader, _ configuration: TamingVQGANConfiguration) throws(CheckpointError) {
    let kind = configuration.quantizer ?? .nearest
    let (count, dimension) = (configuration.codes, configuration.codeDimension)
    let codes = try weights.layerWeights(kind.codesName, [count, dimension])
    switch kind {
    case .nearest, .ema:
      self.init(codes: codes, options: weights.options)
    case .emaCosine:
      // 1/|z| is the same for all codes of a latent and so doesn't change which is largest.
      self.init(codes: codes, scoring: Linear(weights: codes, bias: nil, options: weights.options))
    case .gumbel:
      let projection = try weights.layerWeights("proj.weight", [count, dimension, 1, 1]).reshaped([count, dimension])
      self.init(
        codes: codes,
        scoring: Linear(weights: projection, bias: try weights.tensor("proj.bias", [count]), options: weights.options))
    }
  }
}
