import CLIPText
import Checkpoint
import Foundation
import Transformer
import VQVAE

/// What a model folder holds, read from its configurations and the headers of its tensor files.
public struct ModelReport: Sendable, CustomStringConvertible {
  /// The tensors of a part.
  public struct Contents: Sendable, CustomStringConvertible {
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

  /// One part of the model.
  public struct Part: Sendable, CustomStringConvertible {
    /// The architecture, in one line.
    public let summary: String
    public let contents: Contents

    public var description: String { "\(summary); \(contents)" }
  }

  public let name: String
  /// The folder or file.
  public let location: String
  /// Denoising network; nil for files without one.
  public let network: Part?
  public let networkFacts: NetworkFacts?
  /// Image tokenizer; nil for files without one.
  public let tokenizer: Part?
  public let tokenizerFacts: TokenizerFacts?
  /// Text encoder; nil for files without one.
  public let textEncoder: Part?
  public let timesteps: Int?
  private let corruption: String?
  public let labels: [String]

  /// Reads the parts that are there; a part that is there must be whole.
  ///
  /// - Throws: `ModelFileError.missingPart` if there is neither a transformer nor a vqvae, or a part lacks a file;
  ///   `ModelFileError`, `CheckpointError` for files that can't be read.
  public init(_ location: ModelLocation) throws {
    let source = try location.source()
    guard source.has(.transformer) || source.has(.vqvae) else {
      throw ModelFileError.missingPart(folder: source.location, part: "transformer/ or vqvae/")
    }
    (self.location, name) = (source.location, try source.name())
    let network = source.has(.transformer) ? try source.networkConfiguration() : nil
    self.network = try network.map { Part(summary: $0.summary, contents: try Contents(of: .transformer, in: source)) }
    let tokenizer = source.has(.vqvae) ? try source.tokenizerConfiguration() : nil
    self.tokenizer = try tokenizer.map { Part(summary: $0.summary, contents: try Contents(of: .vqvae, in: source)) }
    (networkFacts, tokenizerFacts) = (network?.facts, tokenizer?.facts)
    textEncoder = try source.textParts().map {
      Part(summary: $0.configuration.summary, contents: try Contents(of: .textEncoder, in: source))
    }
    let scheduler = source.has(.scheduler) ? try source.corruptionConfiguration() : nil
    (timesteps, corruption) = (scheduler?.timesteps, scheduler?.kind.replacing("_", with: " "))
    labels = try source.labels().names
  }

  public var description: String {
    var lines = ["model: \(name)", "location: \(location)"]
    lines.append("transformer: " + (network.map { "\($0)" } ?? "missing"))
    lines.append("vqvae: " + (tokenizer.map { "\($0)" } ?? "missing"))
    if let textEncoder { lines.append("text encoder: \(textEncoder)") }
    lines.append("scheduler: " + (timesteps.map { "\(corruption ?? ""), \($0) timesteps" } ?? "missing"))
    let parameters = [network, tokenizer, textEncoder].reduce(0) { $0 + ($1?.contents.parameters ?? 0) }
    lines.append("in all: \(Self.grouped(parameters)) parameters")
    if !labels.isEmpty {
      let shown = labels.prefix(20).joined(separator: ", ")
      lines.append("labels: \(labels.count): \(shown)\(labels.count > 20 ? ", …" : "")")
    }
    return lines.joined(separator: "\n")
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

extension ModelReport.Contents {
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

extension CLIPTextConfiguration {
  /// The architecture, in one line.
  fileprivate var summary: String {
    "CLIP, \(layers) layers of width \(width), \(heads) heads, \(contextLength) places for \(vocabularySize) tokens"
  }
}
