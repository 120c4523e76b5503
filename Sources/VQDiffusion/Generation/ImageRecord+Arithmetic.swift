import Tensor

extension ImageRecord {
  /// How the networks computed (see `ComputeOptions`), each option only where it wasn't the usual.
  public struct Arithmetic: Sendable, Equatable, Codable {
    /// `ComputeOptions.WeightFormat`, such as `int8`.
    public var weights: String?
    /// `ComputeOptions.Products`.
    public var products: String?
    /// `ConvolutionAlgorithm`, where one was forced.
    public var convolution: String?
    /// `ComputeOptions.Memory`.
    public var memory: String?

    /// Nil where all options are the usual ones.
    public init?(_ options: ComputeOptions) {
      let usual = ComputeOptions()
      guard options != usual else { return nil }
      weights = options.weights == usual.weights ? nil : options.weights.rawValue
      products = options.products == usual.products ? nil : options.products.rawValue
      convolution = options.convolution == usual.convolution ? nil : options.convolution?.rawValue
      memory = options.memory == usual.memory ? nil : options.memory.rawValue
    }

    /// What the `parameters` text says of it.
    var pairs: [(key: String, value: String)] {
      [("Weights", weights), ("Products", products), ("Convolution", convolution), ("Memory", memory)]
        .compactMap { key, value in value.map { (key, $0) } }
    }
  }
}
