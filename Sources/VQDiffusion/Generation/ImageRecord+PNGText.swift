import Foundation
import Images

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
      ("Steps", "\(settings.steps ?? 0)"), ("Sampler", settings.sampler ?? ""),
      ("CFG scale", Self.text(settings.guidanceScale ?? 1)), ("Seed", "\(seed)"),
      ("Size", "\(width)x\(height)"), ("Model", model),
    ]
    if let purityWeight = settings.purityWeight { pairs.append(("Purity weight", Self.text(purityWeight))) }
    if let choiceTemperature = settings.choiceTemperature { pairs.append(("Choice temperature", Self.text(choiceTemperature))) }
    if let remasking = settings.remasking { pairs.append(("Remasking", remasking)) }
    if let temperature = settings.temperature { pairs.append(("Temperature", Self.text(temperature))) }
    if let guidanceSchedule = settings.guidanceSchedule { pairs.append(("CFG schedule", guidanceSchedule)) }
    if let timestepGrid = settings.timestepGrid { pairs.append(("Timesteps", timestepGrid)) }
    if let truncation = settings.truncation, truncation != "none" { pairs.append(("Truncation", truncation)) }
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
