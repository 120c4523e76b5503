import Checkpoint
import Tensor

/// Images as grids of codes.
public struct TokenGrid: Sendable, Equatable {
  public let height: Int
  public let width: Int
  /// Images × height × width, row by row.
  public let tokens: [Int32]

  public init(tokens: [Int32], height: Int, width: Int) {
    precondition(height > 0 && width > 0 && tokens.count.isMultiple(of: height * width), "grid \(height)×\(width)")
    self.tokens = tokens
    self.height = height
    self.width = width
  }

  public var count: Int { tokens.count / (height * width) }

  /// One of the images.
  public subscript(index: Int) -> TokenGrid {
    let length = height * width
    return TokenGrid(tokens: Array(tokens[index * length..<(index + 1) * length]), height: height, width: width)
  }
}

/// A VQGAN image autoencoder (Esser et al. 2021, the codec of VQ-Diffusion's class-conditional models):
/// image → encoder → 1×1 convolution → code; code → 1×1 convolution → decoder → image. How codes are chosen is the
/// configuration's `quantizer`.
///
/// Tensors are named as in the public checkpoints (`encoder.down.0.block.0.conv1.weight` …).
public struct VQModel: Sendable {
  public let configuration: VQModelConfiguration
  /// Present where the denoiser's tokens are a reduced codebook's.
  public let codebookMap: CodebookMap?
  private let encoder: Encoder
  private let quantConvolution: Convolution
  private let codebook: Codebook
  private let postQuantConvolution: Convolution
  private let decoder: Decoder

  /// - Throws: `VQVAEError` for a configuration or map that doesn't fit together; `CheckpointError` for a tensor that is
  ///   missing, has another shape than the configuration asks for, or isn't part of the architecture.
  package init(_ configuration: VQModelConfiguration, weights: Weights, codebookMap: CodebookMap? = nil) throws {
    try configuration.validate()
    if let codebookMap, codebookMap.reduced.count != configuration.codes {
      throw VQVAEError.invalidCodebookMap(
        expected: "\(configuration.codes) entries", found: "\(codebookMap.reduced.count)")
    }
    self.configuration = configuration
    self.codebookMap = codebookMap
    let (latent, code) = (configuration.latentChannels, configuration.codeDimension)
    encoder = try Encoder(weights.scope("encoder"), configuration)
    quantConvolution = try weights.convolution("quant_conv", inputs: latent, outputs: code, kind: .pointwise)
    codebook = try Codebook(weights.scope("quantize"), configuration)
    postQuantConvolution = try weights.convolution("post_quant_conv", inputs: code, outputs: latent, kind: .pointwise)
    decoder = try Decoder(weights.scope("decoder"), configuration)
    try weights.finish(ignoring: configuration.unusedTensors)
  }

  /// Number of tokens, K: of the reduced codebook where there is one.
  public var codes: Int { codebookMap?.full.count ?? configuration.codes }

  /// The tokens of images.
  ///
  /// Images are taken some at a time, so memory grows with the number of images by their tokens alone.
  ///
  /// - Parameter images: [B, H, W, 3] in 0…1, H and W multiples of `downsamplingFactor`.
  /// - Throws: `VQVAEError.wrongImageSize`.
  public func encode(_ images: FloatTensor) throws(VQVAEError) -> TokenGrid {
    try encode(images) { _ in }
  }

  /// The tokens of images, and what the encoder's last convolution reads: [B, H/f, W/f, channels of the coarsest level].
  ///
  /// Parameters and errors as in `encode`.
  ///
  /// - Parameter imagesAtOnce: images that are computed together, nil for as many as memory of a moderate size takes. Doesn't
  ///   change results.
  package func tokensAndFeatures(
    _ images: FloatTensor, imagesAtOnce: Int? = nil
  ) throws(VQVAEError) -> (tokens: TokenGrid, features: FloatTensor) {
    var parts: [FloatTensor] = []
    let tokens = try encode(images, imagesAtOnce: imagesAtOnce) { parts.append($0) }
    let shape = [images.shape[0], tokens.height, tokens.width, configuration.deepestChannels]
    let features = FloatTensor(uninitialized: shape) { target in
      var end = target
      for part in parts {
        part.withUnsafeBufferPointer { values in
          if let start = values.baseAddress { end.update(from: start, count: values.count) }
        }
        end += part.count
      }
    }
    return (tokens, features)
  }

  /// - Parameter take: gets the features of each slice of images in order.
  private func encode(
    _ images: FloatTensor, imagesAtOnce: Int? = nil, _ take: (FloatTensor) -> Void
  ) throws(VQVAEError) -> TokenGrid {
    let factor = configuration.downsamplingFactor
    let shape = images.shape
    guard shape.count == 4, shape[3] == 3, shape[1] > 0, shape[2] > 0, shape[1].isMultiple(of: factor),
      shape[2].isMultiple(of: factor)
    else {
      throw .wrongImageSize(expected: "[B, H, W, 3] with H and W multiples of \(factor)", found: "\(shape)")
    }
    let pixels = shape[1] * shape[2]
    let slice = imagesAtOnce ?? max(1, Self.activationsAtOnce / (pixels * configuration.firstChannels))
    var tokens: [Int32] = []
    for first in stride(from: 0, to: shape[0], by: slice) {
      let count = min(slice, shape[0] - first)
      let some = images.rows(first * pixels..<(first + count) * pixels, width: 3).reshaped([count] + shape.dropFirst())
      let features = encoder.features(Self.centred(some))
      take(features)
      tokens += codebook.tokens(quantConvolution(encoder.latents(features)))
    }
    if let codebookMap { tokens = tokens.map { codebookMap.reduced[Int($0)] } }
    return TokenGrid(tokens: tokens, height: shape[1] / factor, width: shape[2] / factor)
  }

  /// The most numbers in the encoder's first activations, the largest as a rule, unless a single image has more: 64 MiB.
  private static let activationsAtOnce = 1 << 24

  /// The images of tokens: [B, H, W, 3] in 0…1.
  ///
  /// - Throws: `VQVAEError.tokenOutOfRange` for a token that no code stands for.
  public func decode(_ grid: TokenGrid) throws(VQVAEError) -> FloatTensor {
    var images = rawImages(try codeIndices(grid))
    images.withUnsafeMutableBufferPointer { values in
      for index in values.indices { values[index] = (min(max(values[index], -1), 1) + 1) / 2 }
    }
    return images
  }

  /// The decoder's output, about −1…1, for indices into the full codebook: [B, H, W, 3].
  package func rawImages(_ grid: TokenGrid) -> FloatTensor { decoder(postQuantized(grid)) }

  /// The score of every code for latents as `latents(of:)` gives them, the largest of which is chosen (see `Codebook`);
  /// with the Gumbel quantizer the logits.
  package func scores(_ latents: FloatTensor) -> FloatTensor { codebook.scores(latents) }

  /// The codes chosen for latents as `latents(of:)` gives them, as indices into the full codebook.
  package func codeIndices(ofLatents latents: FloatTensor) -> [Int32] { codebook.tokens(latents) }

  /// The codes that indices into the full codebook stand for: [B, h, w, code dimension].
  package func codeVectors(_ grid: TokenGrid) -> FloatTensor {
    codebook.vectors(grid.tokens).reshaped([grid.count, grid.height, grid.width, configuration.codeDimension])
  }

  /// What is quantised: [B, H/f, W/f, code dimension], for images in 0…1.
  package func latents(of images: FloatTensor) -> FloatTensor {
    quantConvolution(encoderOutput(images))
  }

  package func encoderOutput(_ images: FloatTensor) -> FloatTensor { encoder(Self.centred(images)) }

  /// 0…1 to −1…1.
  private static func centred(_ images: FloatTensor) -> FloatTensor {
    var input = images
    input.withUnsafeMutableBufferPointer { values in
      for index in values.indices { values[index] = 2 * values[index] - 1 }
    }
    return input
  }

  /// The decoder's input: [B, h, w, z].
  package func postQuantized(_ grid: TokenGrid) -> FloatTensor {
    postQuantConvolution(codeVectors(grid))
  }

  /// Tokens as indices into the full codebook.
  package func codeIndices(_ grid: TokenGrid) throws(VQVAEError) -> TokenGrid {
    var indices = grid.tokens
    for (place, token) in grid.tokens.enumerated() {
      guard (0..<codes).contains(Int(token)) else { throw .tokenOutOfRange(token: Int(token), codes: codes) }
      guard let codebookMap else { continue }
      indices[place] = codebookMap.full[Int(token)]
      guard indices[place] >= 0 else { throw .tokenOutOfRange(token: Int(token), codes: codes) }
    }
    return TokenGrid(tokens: indices, height: grid.height, width: grid.width)
  }
}
