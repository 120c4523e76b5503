import Diffusion
import Foundation
import Images
import ModelFiles

/// How an image was made: what a PNG file states beside its pixels, enough to make the image again.
///
/// The fields of `StatedSettings` can be read as this type's own: `record.steps`.
@dynamicMemberLookup
public struct ImageRecord: Sendable, Equatable {
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
  /// How the image was sampled.
  public var settings: StatedSettings
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
    case version, model, label, seed, width, height, scale, edit, cells, columns, arithmetic, prompt
    case negativePrompt = "negative_prompt"
    case previewStep = "preview_step"
    case className = "class"
  }

  public subscript<Value>(dynamicMember field: KeyPath<StatedSettings, Value>) -> Value { settings[keyPath: field] }

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
    self.settings = StatedSettings(settings.sampling)
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

// The settings lie flat among the record's other fields.
extension ImageRecord: Codable {
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    settings = try StatedSettings(from: decoder)
    (version, model) = (try fields.decode(String.self, forKey: .version), try fields.decode(String.self, forKey: .model))
    className = try fields.decodeIfPresent(String.self, forKey: .className)
    label = try fields.decodeIfPresent(Int.self, forKey: .label)
    prompt = try fields.decodeIfPresent(String.self, forKey: .prompt)
    negativePrompt = try fields.decodeIfPresent(String.self, forKey: .negativePrompt)
    seed = try fields.decode(UInt64.self, forKey: .seed)
    (width, height) = (try fields.decode(Int.self, forKey: .width), try fields.decode(Int.self, forKey: .height))
    scale = try fields.decode(Int.self, forKey: .scale)
    arithmetic = try fields.decodeIfPresent(Arithmetic.self, forKey: .arithmetic)
    edit = try fields.decodeIfPresent(Edit.self, forKey: .edit)
    previewStep = try fields.decodeIfPresent(Int.self, forKey: .previewStep)
    cells = try fields.decodeIfPresent([Cell].self, forKey: .cells)
    columns = try fields.decodeIfPresent(Int.self, forKey: .columns)
  }

  public func encode(to encoder: any Encoder) throws {
    try settings.encode(to: encoder)
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(version, forKey: .version)
    try fields.encode(model, forKey: .model)
    try fields.encodeIfPresent(className, forKey: .className)
    try fields.encodeIfPresent(label, forKey: .label)
    try fields.encodeIfPresent(prompt, forKey: .prompt)
    try fields.encodeIfPresent(negativePrompt, forKey: .negativePrompt)
    try fields.encode(seed, forKey: .seed)
    try fields.encode(width, forKey: .width)
    try fields.encode(height, forKey: .height)
    try fields.encode(scale, forKey: .scale)
    try fields.encodeIfPresent(arithmetic, forKey: .arithmetic)
    try fields.encodeIfPresent(edit, forKey: .edit)
    try fields.encodeIfPresent(previewStep, forKey: .previewStep)
    try fields.encodeIfPresent(cells, forKey: .cells)
    try fields.encodeIfPresent(columns, forKey: .columns)
  }
}
