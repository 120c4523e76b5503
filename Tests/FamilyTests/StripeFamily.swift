import VQDiffusion

/// A denoising network over a plain sequence that reads no timestep and has a logit for [MASK], the largest of all: each token is most
/// probably the successor of the one before it.
struct ChainNetwork: DenoisingNetwork {
  let facts: NetworkFacts

  init(codes: Int, length: Int) {
    facts = NetworkFacts(codes: codes, layout: .sequence(length: length), hasMaskLogit: true)
  }

  func logits(_ input: NetworkInput, checkCancellation: () throws -> Void) throws -> FloatTensor {
    try facts.check(input)
    try checkCancellation()
    let (codes, length) = (facts.codes, facts.length)
    var values: [Float] = []
    for (place, _) in input.tokens.enumerated() {
      let before = place % length == 0 ? codes : Int(input.tokens[place - 1])
      values += (0..<codes).map { $0 == (before + 1) % codes ? 2 : 0 } + [50]
    }
    return FloatTensor(values, shape: [input.conditions.count, length, codes + 1])
  }
}

/// An image tokenizer whose tokens are vertical stripes as high as the image, a code being a shade of gray.
struct StripeTokenizer: ImageTokenizer {
  let stripes: Int
  let stripeWidth: Int
  let height: Int
  let shades: Int

  var facts: TokenizerFacts { TokenizerFacts(codes: shades, height: height, width: stripes * stripeWidth) }

  func layout(height: Int, width: Int) -> TokenLayout? {
    height == self.height && width == stripes * stripeWidth ? .sequence(length: stripes) : nil
  }

  func imageSize(of layout: TokenLayout) -> (height: Int, width: Int)? {
    layout == .sequence(length: stripes) ? (height, stripes * stripeWidth) : nil
  }

  func encode(_ images: FloatTensor) throws -> ImageTokens {
    guard let layout = layout(height: images.shape[1], width: images.shape[2]) else {
      throw VQVAEError.wrongImageSize(expected: "\(stripes * stripeWidth)×\(height)", found: "\(images.shape)")
    }
    let pixels = images.values
    let tokens = (0..<images.shape[0] * stripes).map { place -> Int32 in
      let (image, stripe) = place.quotientAndRemainder(dividingBy: stripes)
      let first = (image * height * stripes + stripe) * stripeWidth * 3
      return Int32((pixels[first] * Float(shades - 1)).rounded())
    }
    return ImageTokens(tokens, layout: layout)
  }

  func decode(_ tokens: ImageTokens) throws -> FloatTensor {
    guard imageSize(of: tokens.layout) != nil else {
      throw VQVAEError.wrongLayout(expected: "\(stripes) stripes", found: tokens.layout)
    }
    var values: [Float] = []
    for image in 0..<tokens.count {
      for _ in 0..<height {
        for stripe in 0..<stripes {
          let code = Int(tokens.tokens[image * stripes + stripe])
          guard (0..<shades).contains(code) else { throw VQVAEError.tokenOutOfRange(token: code, codes: shades) }
          values += Array(repeating: Float(code) / Float(shades - 1), count: stripeWidth * 3)
        }
      }
    }
    return FloatTensor(values, shape: [tokens.count, height, stripes * stripeWidth, 3])
  }
}

/// An unconditional model of seven stripes, three pixels wide and five high, in four shades.
func stripeModel(settings: GenerationSettings? = nil) throws -> VQDiffusionPipeline {
  try VQDiffusionPipeline(
    name: "stripes", network: ChainNetwork(codes: 4, length: 7),
    tokenizer: StripeTokenizer(stripes: 7, stripeWidth: 3, height: 5, shades: 4),
    corruption: AbsorbingCorruption(timesteps: 12, codes: 4), settings: settings)
}
