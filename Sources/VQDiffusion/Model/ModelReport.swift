import CLIPText
import Checkpoint
import Foundation
import Transformer
import VQVAE

/// What a model folder holds, read from its configurations and the headers of its tensor files.
public struct ModelReport: Sendable, CustomStringConvertible {
  /// The weights of a part.
  public struct Weights: Sendable, CustomStringConvertible {
    public let parameters: Int
    public let tensors: Int
    /// As stored.
    public let bytes: Int
    /// Names of the stored element types, sorted.
    public let elementTypes: [String]

    public var description: String {
      "\(ModelReport.grouped(parameters)) parameters in \(tensors) tensors, \(ModelReport.grouped(bytes)) bytes "
        + "(\(elementTypes.joined(separator: ", ")))"
    }
  }

  public let name: String
  /// The folder or file.
  public let location: String
  /// Nil where the folder has no such part.
  public let transformer: (configuration: DenoiserConfiguration, weights: Weights)?
  public let vqvae: (configuration: VQModelConfiguration, weights: Weights)?
  public let textEncoder: (configuration: CLIPTextConfiguration, weights: Weights)?
  public let timesteps: Int?
  private let corruption: String?
  public let labels: [String]

  /// Reads the parts that are there; a part that is there must be whole.
  ///
  /// - Throws: `PipelineError.missingPart` if there is neither a transformer nor a vqvae, or a part lacks a file;
  ///   `PipelineError`, `CheckpointError` for files that can't be read.
  public init(_ location: ModelLocation) throws {
    let source = try location.source()
    guard source.has(.transformer) || source.has(.vqvae) else {
      throw PipelineError.missingPart(folder: source.location, part: "transformer/ or vqvae/")
    }
    (self.location, name) = (source.location, try source.name())
    transformer =
      source.has(.transformer) ? (try source.denoiserConfiguration(), try Weights(of: .transformer, in: source)) : nil
    vqvae = source.has(.vqvae) ? (try source.vqModelConfiguration(), try Weights(of: .vqvae, in: source)) : nil
    textEncoder = try source.textParts().map { ($0.configuration, try Weights(of: .textEncoder, in: source)) }
    let scheduler = source.has(.scheduler) ? try source.scheduler() : nil
    (timesteps, corruption) = (scheduler?.timesteps, scheduler?.kind.replacing("_", with: " "))
    labels = try source.labels().names
  }

  public var description: String {
    var lines = ["model: \(name)", "location: \(location)"]
    lines.append("transformer: " + (transformer.map { "\(Self.text($0.configuration)); \($0.weights)" } ?? "missing"))
    lines.append("vqvae: " + (vqvae.map { "\(Self.text($0.configuration)); \($0.weights)" } ?? "missing"))
    if let textEncoder { lines.append("text encoder: \(Self.text(textEncoder.configuration)); \(textEncoder.weights)") }
    lines.append("scheduler: " + (timesteps.map { "\(corruption ?? ""), \($0) timesteps" } ?? "missing"))
    let parts = [transformer?.weights, vqvae?.weights, textEncoder?.weights]
    let parameters = parts.reduce(0) { $0 + ($1?.parameters ?? 0) }
    lines.append("in all: \(Self.grouped(parameters)) parameters")
    if !labels.isEmpty {
      let shown = labels.prefix(20).joined(separator: ", ")
      lines.append("labels: \(labels.count): \(shown)\(labels.count > 20 ? ", …" : "")")
    }
    return lines.joined(separator: "\n")
  }

  private static func text(_ configuration: DenoiserConfiguration) -> String {
    let kind: String
    switch configuration.kind {
    case .unconditional: kind = "unconditional"
    case .text: kind = "text-conditional, \(configuration.textLength ?? 0) text vectors of width \(configuration.textWidth ?? 0)"
    case .classConditional:
      let unconditional = configuration.unconditionalClass.map { " (\($0) is no class)" } ?? ""
      kind = "class-conditional, \(configuration.classRows ?? 0) class rows\(unconditional)"
    }
    return "\(kind), \(configuration.layers) layers of width \(configuration.width), "
      + "\(configuration.heads) heads, \(configuration.grid[0])×\(configuration.grid[1]) tokens of "
      + "\(configuration.codebookSize) codes, \(configuration.timesteps) timesteps"
  }

  private static func text(_ configuration: VQModelConfiguration) -> String {
    "\(configuration.codes) codes of dimension \(configuration.codeDimension), \(configuration.downsamplingFactor)×"
      + "\(configuration.downsamplingFactor) pixels per token, trained on \(configuration.resolution)×"
      + "\(configuration.resolution)"
  }

  private static func text(_ configuration: CLIPTextConfiguration) -> String {
    "CLIP, \(configuration.layers) layers of width \(configuration.width), \(configuration.heads) heads, "
      + "\(configuration.contextLength) places for \(configuration.vocabularySize) tokens"
  }

  /// A number with its thousands apart.
  fileprivate static func grouped(_ number: Int) -> String {
    var digits = String(number)
    for place in stride(from: digits.count - 3, to: 0, by: -3) {
      digits.insert(",", at: digits.index(digits.startIndex, offsetBy: place))
    }
    return digits
  }
}

extension ModelReport.Weights {
  /// What the network of a part reads.
  fileprivate init(of part: ModelPart, in source: any ModelSource) throws {
    let sources = try source.usedGroups(of: part).map { try $0.renamed() }
    let all = sources.flatMap { source in source.names.map { (source, $0) } }
    parameters = all.reduce(0) { $0 + ($1.0.shape(of: $1.1) ?? []).reduce(1, *) }
    tensors = all.count
    bytes = sources.reduce(0) { $0 + $1.byteCount }
    elementTypes = Set(all.compactMap { $0.0.elementType(of: $0.1)?.rawValue }).sorted()
  }
}
