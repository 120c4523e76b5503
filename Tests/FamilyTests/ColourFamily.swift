import VQDiffusion

// A family of models that the package doesn't know, written as other people's packages would: `Scripts/test-external-package` builds
// this file outside of the package.

/// A denoising network that is a table: the logit of a code depends on the class, the position's parity and the timestep alone.
struct TableNetwork: DenoisingNetwork {
  /// [classes + 1][K], the last row for "no class".
  let table: [[Float]]
  let facts: NetworkFacts

  init(_ table: [[Float]], rows: Int, columns: Int, timesteps: Int) {
    self.table = table
    facts = NetworkFacts(
      codes: table[0].count, layout: .grid(rows: rows, columns: columns),
      conditioning: .classes(count: table.count - 1, hasNoClass: true, canAverage: false), timesteps: timesteps)
  }

  func logits(_ input: NetworkInput, checkCancellation: () throws -> Void) throws -> FloatTensor {
    try facts.check(input)
    try checkCancellation()
    var values: [Float] = []
    for (condition, timestep) in zip(input.conditions, input.timesteps) {
      guard case .index(let row) = condition else { continue }
      for position in 0..<facts.length {
        values += table[row].enumerated().map { code, logit in
          logit + Float((position + code) % 2) * Float(timestep) / Float(facts.timesteps ?? 1)
        }
      }
    }
    return FloatTensor(values, shape: [input.conditions.count, facts.length, facts.codes])
  }
}

/// An image tokenizer whose codes are colours: each token is a square of one colour, an image's square the nearest colour to its mean.
struct ColourTokenizer: ImageTokenizer {
  let colours: [[Float]]
  /// Pixels of a square's side.
  let side: Int
  let facts: TokenizerFacts

  init(_ colours: [[Float]], side: Int, height: Int, width: Int) {
    (self.colours, self.side) = (colours, side)
    facts = TokenizerFacts(codes: colours.count, height: height, width: width, pixelsPerToken: side)
  }

  func layout(height: Int, width: Int) -> TokenLayout? {
    guard height > 0, width > 0, height.isMultiple(of: side), width.isMultiple(of: side) else { return nil }
    return .grid(rows: height / side, columns: width / side)
  }

  func imageSize(of layout: TokenLayout) -> (height: Int, width: Int)? {
    guard case .grid(let rows, let columns) = layout else { return nil }
    return (rows * side, columns * side)
  }

  func encode(_ images: FloatTensor) throws -> ImageTokens {
    let (height, width) = (images.shape[1], images.shape[2])
    guard let layout = layout(height: height, width: width), case .grid(let rows, let columns) = layout else {
      throw VQVAEError.wrongImageSize(expected: "multiples of \(side)", found: "\(images.shape)")
    }
    let pixels = images.values
    var tokens: [Int32] = []
    for image in 0..<images.shape[0] {
      for cell in 0..<rows * columns {
        var mean: [Float] = [0, 0, 0]
        for y in 0..<side {
          for x in 0..<side {
            let pixel = (image * height + cell / columns * side + y) * width + cell % columns * side + x
            for channel in 0..<3 { mean[channel] += pixels[pixel * 3 + channel] / Float(side * side) }
          }
        }
        tokens.append(nearest(to: mean))
      }
    }
    return ImageTokens(tokens, layout: layout)
  }

  private func nearest(to colour: [Float]) -> Int32 {
    let distances = colours.map { zip($0, colour).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
    return Int32(distances.indices.min { distances[$0] < distances[$1] } ?? 0)
  }

  func decode(_ tokens: ImageTokens) throws -> FloatTensor {
    guard case .grid(let rows, let columns) = tokens.layout else {
      throw VQVAEError.wrongLayout(expected: "a grid of tokens", found: tokens.layout)
    }
    var values: [Float] = []
    for image in 0..<tokens.count {
      for y in 0..<rows * side {
        for x in 0..<columns * side {
          let code = Int(tokens.tokens[(image * rows + y / side) * columns + x / side])
          guard colours.indices.contains(code) else { throw VQVAEError.tokenOutOfRange(token: code, codes: colours.count) }
          values += colours[code]
        }
      }
    }
    return FloatTensor(values, shape: [tokens.count, rows * side, columns * side, 3])
  }
}

/// A model of three classes on a grid of 3×4 tokens, five colours, 6×8 pixels: class 0 is all red, class 1 mostly green, class 2 anything.
func colourModel(settings: GenerationSettings? = nil) throws -> VQDiffusionPipeline {
  let colours: [[Float]] = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [0, 0, 0]]
  let table: [[Float]] = [[30, 0, 0, 0, 0], [0, 4, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]]
  return try VQDiffusionPipeline(
    name: "colours", network: TableNetwork(table, rows: 3, columns: 4, timesteps: 10),
    tokenizer: ColourTokenizer(colours, side: 2, height: 6, width: 8),
    corruption: MaskAndReplaceCorruption(timesteps: 10, codes: 5), labels: LabelSet(["red", "green", "any"]), settings: settings)
}
