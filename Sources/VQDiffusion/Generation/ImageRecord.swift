import Foundation

/// How an image was made: what a PNG file states beside its pixels, enough to make the image again.
public struct ImageRecord: Sendable, Equatable, Codable {
  /// One picture of a sheet.
  public struct Cell: Sendable, Equatable, Codable {
    public var className: String?
    public var label: Int?
    public var prompt: String?
    public var seed: UInt64

    public init(className: String?, label: Int?, prompt: String? = nil, seed: UInt64) {
      (self.className, self.label, self.prompt, self.seed) = (className, label, prompt, seed)
    }

    enum CodingKeys: String, CodingKey {
      case label, prompt, seed
      case className = "class"
    }
  }

  /// The picture that an image was made from, and how.
  public struct Edit: Sendable, Equatable, Codable {
    /// File names, without their folders.
    public var image: String
    public var mask: String?
    /// As `PixelOffset.init(option:)` reads it.
    public var offset: String?
    /// Of inpainting: whether known pixels were taken from the picture.
    public var composite: Bool?
    /// Of compositing.
    public var feather: Int?
    /// Of variations.
    public var strength: Double?

    public init(
      image: String, mask: String? = nil, offset: String? = nil, composite: Bool? = nil, feather: Int? = nil,
      strength: Double? = nil
    ) {
      (self.image, self.mask, self.offset) = (image, mask, offset)
      (self.composite, self.feather, self.strength) = (composite, feather, strength)
    }
  }

  public var version: String
  public var model: String
  /// The class; nil for an unconditional model and for a sheet.
  public var className: String?
  public var label: Int?
  /// The text; nil where the image wasn't asked for by one, and for a sheet.
  public var prompt: String?
  /// What guidance led away from, where that was a text.
  public var negativePrompt: String?
  public var sampler: String
  public var steps: Int
  public var guidanceScale: Double
  /// As `Truncation.init(option:)` reads it.
  public var truncation: String
  /// Only of samplers that have one.
  public var purityWeight: Double?
  public var choiceTemperature: Double?
  public var remasking: String?
  /// Nil where it is the usual: 1, `constant`, `linear`.
  public var temperature: Double?
  public var guidanceSchedule: String?
  public var timestepGrid: String?
  /// The image's own seed; of a sheet, that of its first picture.
  public var seed: UInt64
  /// Pixels of a picture as generated.
  public var width: Int
  public var height: Int
  /// How many times each pixel was repeated in both directions.
  public var scale: Int
  /// How the networks computed, which images may depend on; nil where it was the usual.
  public var arithmetic: Arithmetic?
  /// What the image was made from; nil where it was made from noise alone.
  public var edit: Edit?
  /// Of a preview: the step whose expected image it shows. The record makes the finished image.
  public var previewStep: Int?
  /// The pictures of a sheet, row by row; nil for a single image.
  public var cells: [Cell]?
  /// Columns of a sheet.
  public var columns: Int?

  enum CodingKeys: String, CodingKey {
    case version, model, label, sampler, steps, truncation, remasking, temperature, seed, width, height, scale, edit, cells
    case columns, arithmetic, prompt
    case negativePrompt = "negative_prompt"
    case previewStep = "preview_step"
    case className = "class"
    case guidanceScale = "guidance_scale"
    case guidanceSchedule = "guidance_schedule"
    case timestepGrid = "timestep_grid"
    case purityWeight = "purity_weight"
    case choiceTemperature = "choice_temperature"
  }

  /// The record of one image.
  public init(
    _ image: GeneratedImage, by pipeline: VQDiffusionPipeline, settings: GenerationSettings, scale: Int = 1, edit: Edit? = nil
  ) {
    version = VQDiffusionPipeline.version
    model = pipeline.name
    switch image.subject {
    case .anything: break
    case .label(let index): (label, className) = (index, pipeline.labels[index])
    case .prompt(let text): prompt = text
    }
    negativePrompt = image.negativePrompt
    sampler = settings.method.name.rawValue
    steps = settings.steps
    guidanceScale = settings.guidanceScale
    truncation = settings.truncation.option
    purityWeight = settings.method.purityWeight
    choiceTemperature = settings.method.choiceTemperature
    remasking = settings.method.remasking?.option
    temperature = settings.temperature == 1 ? nil : settings.temperature
    guidanceSchedule = settings.guidanceSchedule == .constant ? nil : settings.guidanceSchedule.option
    timestepGrid = settings.timestepGrid == .linear ? nil : settings.timestepGrid.option
    seed = image.seed
    (width, height) = (image.image.width, image.image.height)
    (self.scale, self.edit) = (scale, edit)
    arithmetic = Arithmetic(pipeline.computeOptions)
  }

  /// The record of a sheet of images; `images` isn't empty.
  public init(
    sheet images: [GeneratedImage], columns: Int, by pipeline: VQDiffusionPipeline, settings: GenerationSettings,
    scale: Int = 1, edit: Edit? = nil
  ) {
    self.init(images[0], by: pipeline, settings: settings, scale: scale, edit: edit)
    (className, label, prompt, self.columns) = (nil, nil, nil, columns)
    cells = images.map {
      Cell(className: $0.label.map { pipeline.labels[$0] }, label: $0.label, prompt: $0.subject.prompt, seed: $0.seed)
    }
  }
}

extension ImageRecord {
  /// The keyword of the settings in the web interfaces' convention.
  public static let parametersKeyword = "parameters"
  /// The keyword of the record as JSON.
  public static let jsonKeyword = "vqdiffusion"

  /// The record as PNG texts: `parameters`, in the convention of the common web interfaces (the prompt's line, here the
  /// class, then `Key: value` pairs), and the whole record as JSON.
  public func pngTexts() throws -> [PNGText] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return [
      PNGText(Self.parametersKeyword, parameters),
      PNGText(Self.jsonKeyword, String(decoding: try encoder.encode(self), as: UTF8.self)),
    ]
  }

  /// The record that `pngTexts` wrote; nil if there is none.
  ///
  /// - Throws: `DecodingError` for a damaged one.
  public init?(_ texts: [PNGText]) throws {
    guard let text = texts.first(where: { $0.keyword == Self.jsonKeyword }) else { return nil }
    self = try JSONDecoder().decode(ImageRecord.self, from: Data(text.text.utf8))
  }

  /// The text of the `parameters` chunk.
  public var parameters: String {
    var pairs: [(key: String, value: String)] = [
      ("Steps", "\(steps)"), ("Sampler", sampler), ("CFG scale", Self.text(guidanceScale)), ("Seed", "\(seed)"),
      ("Size", "\(width)x\(height)"), ("Model", model),
    ]
    if let purityWeight { pairs.append(("Purity weight", Self.text(purityWeight))) }
    if let choiceTemperature { pairs.append(("Choice temperature", Self.text(choiceTemperature))) }
    if let remasking { pairs.append(("Remasking", remasking)) }
    if let temperature { pairs.append(("Temperature", Self.text(temperature))) }
    if let guidanceSchedule { pairs.append(("CFG schedule", guidanceSchedule)) }
    if let timestepGrid { pairs.append(("Timesteps", timestepGrid)) }
    if truncation != "none" { pairs.append(("Truncation", truncation)) }
    if scale != 1 { pairs.append(("Scale", "\(scale)")) }
    pairs += arithmetic?.pairs ?? []
    pairs += edit?.pairs ?? []
    if let previewStep { pairs.append(("Preview step", "\(previewStep)")) }
    pairs.append(("Version", "swift-vq-diffusion \(version)"))
    let negative = negativePrompt.map { "Negative prompt: \(Self.line($0))\n" } ?? ""
    return subjectLine + "\n" + negative + pairs.map { "\($0.key): \(Self.quoted($0.value))" }.joined(separator: ", ")
  }

  /// The class or text; of a sheet all of them in order, each once; empty without any.
  private var subjectLine: String {
    guard let cells else { return Self.line(prompt ?? className ?? "") }
    var seen = Set<String>()
    return Self.line(cells.compactMap { $0.prompt ?? $0.className }.filter { seen.insert($0).inserted }.joined(separator: ", "))
  }

  /// NUL, which PNG's texts can't hold, goes as line ends do.
  private static func line(_ text: String) -> String {
    text.split { $0.isNewline || $0 == "\0" }.joined(separator: " ")
  }

  /// A value as the convention wants it: in quotation marks where it holds a separator.
  private static func quoted(_ value: String) -> String {
    guard value.contains(where: { ",:\"".contains($0) || $0.isNewline }) else { return value }
    let escaped = value.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
    return "\"\(line(escaped))\""
  }

  fileprivate static func text(_ value: Double) -> String {
    value == value.rounded() ? String(format: "%.0f", value) : "\(value)"
  }
}

extension ImageRecord.Edit {
  /// What the `parameters` text says of it; the usual goes without saying.
  fileprivate var pairs: [(key: String, value: String)] {
    var pairs = [(key: "Image", value: image)]
    if let mask { pairs.append(("Mask", mask)) }
    if let offset { pairs.append(("Offset", offset)) }
    if composite == false { pairs.append(("Composite", "no")) }
    if let feather, feather != 0 { pairs.append(("Feather", "\(feather)")) }
    if let strength { pairs.append(("Denoising strength", ImageRecord.text(strength))) }
    return pairs
  }
}
