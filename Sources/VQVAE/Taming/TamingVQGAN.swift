import Checkpoint
import Tensor

/// A VQGAN image autoencoder (Esser et al. 2021, the codec of VQ-Diffusion's class-conditional models):
/// image → encoder → 1×1 convolution → code; code → 1×1 convolution → decoder → image. How codes are chosen is the
/// configuration's `quantizer`.
///
/// Tensors are named as in the public checkpoints (`encoder.down.0.block.0.conv1.weight` …).
public struct TamingVQGAN: ImageTokenizer {
  public let configuration: TamingVQGANConfiguration
  /// Map to the reduced codebook; nil without one.
  public let codebookMap: CodebookMap?
  public let facts: TokenizerFacts
  private let encoder: Encoder
  private let quantConvolution: Convolution
  private let codebook: Codebook
  private let postQuantConvolution: Convolution
  private let decoder: Decoder

  /// - Throws: `VQVAEError` for a configuration or map that doesn't fit together; `CheckpointError` for a tensor that is
  ///   missing, has another shape than the configuration asks for, or isn't part of the architecture.
  package init(_ configuration: TamingVQGANConfiguration, weights: WeightLoader, codebookMap: CodebookMap? = nil) throws {
    try configuration.validate()
    if let codebookMap, codebookMap.reduced.count != configuration.codes {
      throw VQVAEError.invalidCodebookMap(
        expected: "\(configuration.codes) entries", found: "\(codebookMap.reduced.count)")
    }
    try weights.expect(configuration.tensorShapes)
    (self.configuration, self.codebookMap) = (configuration, codebookMap)
    facts = Self.facts(configuration, codebookMap)
    let (latent, code) = (configuration.latentChannels, configuration.codeDimension)
    encoder = try Encoder(weights.scope("encoder"), configuration)
    quantConvolution = try weights.convolution("quant_conv", inputs: latent, outputs: code, kind: .pointwise)
    codebook = try Codebook(weights.scope("quantize"), configuration)
    postQuantConvolution = try weights.convolution("post_quant_conv", inputs: code, outputs: latent, kind: .pointwise)
    decoder = try Decoder(weights.scope("decoder"), configuration)
    try weights.finish(ignoring: configuration.unusedTensors)
  }

  /// Number of tokens, K: of the reduced codebook where there is one.
  public var codes: Int { facts.codes }

  private static func facts(_ configuration: TamingVQGANConfiguration, _ map: CodebookMap?) -> TokenizerFacts {
    var facts = configuration.facts
    guard let full = map?.full else { return facts }
    facts.codes = full.count
    if full.contains(-1) { facts.decodableCodes = full.indices.filter { full[$0] >= 0 }.map { Int32($0) } }
    return facts
  }

  public func layout(height: Int, width: Int) -> TokenLayout? { configuration.layout(height: height, width: width) }

  public func imageSize(of layout: TokenLayout) -> (height: Int, width: Int)? { configuration.imageSize(of: layout) }

  /// The tokens of images.
  ///
  /// Images are taken some at a time, so memory grows with the number of images by their tokens alone.
  ///
  /// - Parameter images: [B, H, W, 3] in 0…1, H and W multiples of `downsamplingFactor`.
  /// - Throws: `VQVAEError.wrongImageSize`.
  public func encode(_ images: FloatTensor) throws(VQVAEError) -> ImageTokens {
    try encode(images) { _ in }
  }

  /// The tokens of images, and the input of the encoder's last convolution: [B, H/f, W/f, channels of the coarsest level].
  public func tokensAndFeatures(
    _ images: FloatTensor
  ) throws(VQVAEError) -> (tokens: ImageTokens, features: FloatTensor?) {
    try tokensAndFeatures(images, imagesAtOnce: nil)
  }

  /// - Parameter imagesAtOnce: images that are computed together, nil for as many as memory of a moderate size takes. Doesn't
  ///   change results.
  package func tokensAndFeatures(
    _ images: FloatTensor, imagesAtOnce: Int?
  ) throws(VQVAEError) -> (tokens: ImageTokens, features: FloatTensor?) {
    var parts: [FloatTensor] = []
    let tokens = try encode(images, imagesAtOnce: imagesAtOnce) { parts.append($0) }
    let (rows, columns) = Self.grid(of: tokens)
    let features = FloatTensor(uninitialized: [images.shape[0], rows, columns, configuration.deepestChannels]) { target in
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

  /// Rows and columns of tokens, which a caller has checked to lie on a grid.
  private static func grid(of tokens: ImageTokens) -> (rows: Int, columns: Int) {
    guard case .grid(let rows, let columns) = tokens.layout else { preconditionFailure("\(tokens.layout) for a VQGAN") }
    return (rows, columns)
  }

  /// - Parameter take: gets the features of each slice of images in order.
  private func encode(
    _ images: FloatTensor, imagesAtOnce: Int? = nil, _ take: (FloatTensor) -> Void
  ) throws(VQVAEError) -> ImageTokens {
    let shape = images.shape
    guard shape.count == 4, shape[3] == 3, let layout = layout(height: shape[1], width: shape[2]) else {
      throw .wrongImageSize(
        expected: "[B, H, W, 3] with H and W multiples of \(configuration.downsamplingFactor)", found: "\(shape)")
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
    return ImageTokens(tokens, layout: layout)
  }

  /// The most numbers in the encoder's first activations, the largest as a rule, unless a single image has more: 64 MiB.
  private static let activationsAtOnce = 1 << 24

  /// The images of tokens: [B, H, W, 3] in 0…1.
  ///
  /// - Throws: `VQVAEError.wrongLayout` for tokens that don't lie on a grid, `.tokenOutOfRange` for a token that no code stands for.
  public func decode(_ tokens: ImageTokens) throws(VQVAEError) -> FloatTensor {
    guard case .grid = tokens.layout else { throw .wrongLayout(expected: "a grid of tokens", found: tokens.layout) }
    var images = rawImages(try codeIndices(tokens))
    images.withUnsafeMutableBufferPointer { values in
      for index in values.indices { values[index] = (min(max(values[index], -1), 1) + 1) / 2 }
    }
    return images
  }

  /// The decoder's output, about −1…1, for indices into the full codebook: [B, H, W, 3].
  package func rawImages(_ tokens: ImageTokens) -> FloatTensor { decoder(postQuantized(tokens)) }

  /// The score of every code for latents as `latents(of:)` gives them, the largest of which is chosen (see `Codebook`);
  /// with the Gumbel quantizer the logits.
  package func scores(_ latents: FloatTensor) -> FloatTensor { codebook.scores(latents) }

  /// The codes chosen for latents as `latents(of:)` gives them, as indices into the full codebook.
  package func codeIndices(ofLatents latents: FloatTensor) -> [Int32] { codebook.tokens(latents) }

  /// The codes that indices into the full codebook stand for: [B, h, w, code dimension].
  package func codeVectors(_ tokens: ImageTokens) -> FloatTensor {
    let (rows, columns) = Self.grid(of: tokens)
    return codebook.vectors(tokens.tokens).reshaped([tokens.count, rows, columns, configuration.codeDimension])
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
  package func postQuantized(_ tokens: ImageTokens) -> FloatTensor {
    postQuantConvolution(codeVectors(tokens))
  }

  /// Tokens as indices into the full codebook.
  package func codeIndices(_ tokens: ImageTokens) throws(VQVAEError) -> ImageTokens {
    var indices = tokens.tokens
    for (place, token) in tokens.tokens.enumerated() {
      guard (0..<codes).contains(Int(token)) else { throw .tokenOutOfRange(token: Int(token), codes: codes) }
      guard let codebookMap else { continue }
      indices[place] = codebookMap.full[Int(token)]
      guard indices[place] >= 0 else { throw .tokenOutOfRange(token: Int(token), codes: codes) }
    }
    return ImageTokens(indices, layout: tokens.layout)
  }
}
