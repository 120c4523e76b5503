/// How a model's arithmetic is done. Layers take the options when they are made, because weights are laid out for them.
public struct ComputeOptions: Sendable, Equatable {
  /// What multiplies matrices by weights, and queries, keys and values in attention.
  public enum Products: String, Sendable, CaseIterable {
    /// The project's own kernel, on weights packed once at load: no packing in each call, and results whose bits don't depend on how
    /// many rows are computed together.
    case packed
    /// OpenBLAS, image by image, on weights as checkpoints hold them, straight from the mapped file where possible.
    case openBLAS = "openblas"
  }

  /// What memory is spent on.
  public enum Memory: String, Sendable, CaseIterable {
    /// Weights are re-laid for speed.
    case fast
    /// Weights stay where and as the file holds them, 16-bit ones widened piece by piece where they are used; products go through
    /// OpenBLAS and convolutions through im2col.
    case low
  }

  /// In what numbers layers hold weights.
  public enum WeightFormat: String, Sendable, CaseIterable {
    case float32
    /// 16-bit floats, rounded once at load, for Winograd's convolutions after the transformation; all arithmetic is float32, by the
    /// project's own kernel: `products` is then without effect on linear layers and convolutions (docs/float16.md). Half the memory. A
    /// layer with a weight beyond that format's range (65504) stays in float32.
    case float16
    /// Linear layers and im2col convolutions in 8-bit integers, one scale for each output channel; activations are rounded to 8 bits
    /// too, one scale for each row (docs/int8.md). An approximation: about a quarter of the memory, faster, never the default. `products`
    /// is then without effect on these layers.
    case int8
  }

  public var products: Products
  public var weights: WeightFormat
  /// For 3×3 convolutions of stride 1; nil chooses by the layer's shape.
  public var convolution: ConvolutionAlgorithm?

  public var memory: Memory

  public init(
    products: Products = .packed, convolution: ConvolutionAlgorithm? = nil, weights: WeightFormat = .float32,
    memory: Memory = .fast
  ) {
    self.products = products
    self.weights = weights
    self.convolution = convolution
    self.memory = memory
  }

  /// What multiplies by weights: with 16-bit ones only the project's own kernel; with low memory otherwise OpenBLAS.
  package var weightProducts: Products {
    switch (weights, memory) {
    case (.float16, _): .packed
    case (_, .low): .openBLAS
    case (_, .fast): products
    }
  }
}

/// How a 3×3 convolution of stride 1 is computed.
public enum ConvolutionAlgorithm: String, Sendable, CaseIterable {
  /// Patches gathered row by row and multiplied: the plain way, without extra memory for weights.
  case im2col
  /// Winograd's F(2×2, 3×3): 2.25 times fewer multiplications, 1.8 times the weights.
  case winograd2
  /// Winograd's F(4×4, 3×3): 4 times fewer multiplications, 4 times the weights.
  case winograd4
}
