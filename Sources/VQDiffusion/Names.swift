// Names of the lower modules that users of the library need: `import VQDiffusion` alone gives them.

import CLIPText
import Checkpoint
import Diffusion
import Evaluation
import Files
import Images
import ModelFiles
import Tensor
import Transformer
import VQVAE

// Images and their files.
public typealias RGBImage = Images.RGBImage
public typealias ImageSize = Images.ImageSize
public typealias AnimatedPNG = Images.AnimatedPNG
public typealias PNGText = Images.PNGText
public typealias RepaintMask = Images.RepaintMask
public typealias ImageError = Images.ImageError

// Model files.
public typealias ModelLocation = ModelFiles.ModelLocation
public typealias ModelReport = ModelFiles.ModelReport
public typealias ModelConversion = ModelFiles.ModelConversion
public typealias TensorListing = ModelFiles.TensorListing
public typealias IgnoredTensor = ModelFiles.IgnoredTensor
public typealias LabelSet = ModelFiles.LabelSet
public typealias TextConditioner = ModelFiles.TextConditioner
public typealias ModelFileError = ModelFiles.ModelFileError
public typealias CorruptionKind = ModelFiles.CorruptionKind
public typealias CheckpointError = Checkpoint.CheckpointError
public typealias FileError = Files.FileError
public typealias CLIPTextConfiguration = CLIPText.CLIPTextConfiguration
public typealias CLIPTextError = CLIPText.CLIPTextError

// The two doors for new families of models.
public typealias DenoisingNetwork = Transformer.DenoisingNetwork
public typealias NetworkFacts = Transformer.NetworkFacts
public typealias NetworkInput = Transformer.NetworkInput
public typealias NetworkCondition = Transformer.NetworkCondition
public typealias TextVectors = Transformer.TextVectors
public typealias TransformerError = Transformer.TransformerError
public typealias ImageTokenizer = VQVAE.ImageTokenizer
public typealias TokenizerFacts = VQVAE.TokenizerFacts
public typealias ImageTokens = VQVAE.ImageTokens
public typealias VQVAEError = VQVAE.VQVAEError
public typealias TokenLayout = Tensor.TokenLayout
public typealias FloatTensor = Tensor.FloatTensor
public typealias Linear = Tensor.Linear
public typealias Convolution = Tensor.Convolution
public typealias Activation = Tensor.Activation

// Arithmetic.
public typealias ComputeOptions = Tensor.ComputeOptions
public typealias ConvolutionAlgorithm = Tensor.ConvolutionAlgorithm

// Corruption and sampling.
public typealias Corruption = Diffusion.Corruption
public typealias Transition = Diffusion.Transition
public typealias MaskAndReplaceCorruption = Diffusion.MaskAndReplaceCorruption
public typealias AbsorbingCorruption = Diffusion.AbsorbingCorruption
public typealias UniformCorruption = Diffusion.UniformCorruption
public typealias ReverseRule = Diffusion.ReverseRule
public typealias SamplingSettings = Diffusion.SamplingSettings
public typealias StatedSettings = Diffusion.StatedSettings
public typealias SamplingMethod = Diffusion.SamplingMethod
public typealias SamplingProgress = Diffusion.SamplingProgress
public typealias Truncation = Diffusion.Truncation
public typealias GuidanceSchedule = Diffusion.GuidanceSchedule
public typealias TimestepGrid = Diffusion.TimestepGrid
public typealias Remasking = Diffusion.Remasking
public typealias KnownTokens = Diffusion.KnownTokens
public typealias DiffusionError = Diffusion.DiffusionError

// Evaluation.
public typealias FeatureSet = Evaluation.FeatureSet
public typealias KernelDistance = Evaluation.KernelDistance
public typealias PrecisionRecall = Evaluation.PrecisionRecall
public typealias CodeUsage = Evaluation.CodeUsage
public typealias FeatureComparison = Evaluation.FeatureComparison
public typealias FlooredComparison = Evaluation.FlooredComparison
public typealias EvaluationError = Evaluation.EvaluationError
