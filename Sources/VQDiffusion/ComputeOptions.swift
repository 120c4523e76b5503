import Tensor

/// How a model's arithmetic is done (see `Tensor.ComputeOptions`); set while it is loaded:
///
///     let pipeline = try ComputeOptions.$current.withValue(ComputeOptions(products: .openBLAS)) {
///       try VQDiffusionPipeline.builtIn()
///     }
public typealias ComputeOptions = Tensor.ComputeOptions

/// How a 3×3 convolution of stride 1 is computed.
public typealias ConvolutionAlgorithm = Tensor.ConvolutionAlgorithm
