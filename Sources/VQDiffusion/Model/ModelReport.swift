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
    /// Of the files.
    public let bytes: Int
    /// Names of the stored element types, sorted.
    public let elementTypes: [String]

    public var description: String {
      "\(ModelReport.grouped(parameters)) parameters in \(tensors) tensors, \(ModelReport.grouped(bytes)) bytes "
        + "(\(elementTypes.joined(separator: ", ")))"
    }
  }

  public let name: String
  public let folder: String
  /// Nil where the folder has no such part.
  public let transformer: (configuration: DenoiserConfiguration, weights: Weights)?
  public let vqvae: (configuration: VQModelConfiguration, weights: Weights)?
  public let timesteps: Int?
  private let corruption: String?
  public let labels: [String]

  /// Reads the parts that are there; a part that is there must be whole.
  ///
  /// - Parameter url: the folder; nil for the built-in model.
  /// - Throws: `PipelineError.missingPart` if there is neither a transformer nor a vqvae, or a part lacks a file;
  ///   `PipelineError`, `CheckpointError` for files that can't be read.
  public init(contentsOf url: URL?) throws {
    let folder = try ModelFolder(url ?? BuiltInModel.folder())
    guard folder.has("transformer") || folder.has("vqvae") else {
      throw PipelineError.missingPart(folder: folder.url.path, part: "transformer/ or vqvae/")
    }
    self.folder = folder.url.path
    name = folder.has("model_index.json") ? try folder.index().name : folder.url.lastPathComponent
    transformer =
      folder.has("transformer") ? try Self.transformer(of: folder) : nil
    vqvae =
      folder.has("vqvae")
      ? (try folder.vqModelConfiguration(), try Weights(files: folder.tensorFiles(of: "vqvae"))) : nil
    let scheduler = folder.has("scheduler") ? try folder.scheduler() : nil
    (timesteps, corruption) = (scheduler?.timesteps, scheduler?.kind.replacing("_", with: " "))
    labels = try folder.labels()
  }

  public var description: String {
    var lines = ["model: \(name)", "folder: \(folder)"]
    lines.append("transformer: " + (transformer.map { "\(Self.text($0.configuration)); \($0.weights)" } ?? "missing"))
    lines.append("vqvae: " + (vqvae.map { "\(Self.text($0.configuration)); \($0.weights)" } ?? "missing"))
    lines.append("scheduler: " + (timesteps.map { "\(corruption ?? ""), \($0) timesteps" } ?? "missing"))
    let parameters = (transformer?.weights.parameters ?? 0) + (vqvae?.weights.parameters ?? 0)
    lines.append("in all: \(Self.grouped(parameters)) parameters")
    if !labels.isEmpty {
      let shown = labels.prefix(20).joined(separator: ", ")
      lines.append("labels: \(labels.count): \(shown)\(labels.count > 20 ? ", …" : "")")
    }
    return lines.joined(separator: "\n")
  }

  private static func transformer(
    of folder: ModelFolder
  ) throws -> (configuration: DenoiserConfiguration, weights: Weights) {
    let configuration = try folder.denoiserConfiguration()
    let files = try folder.tensorFiles(of: "transformer")
    return (configuration, try Weights(files: files, except: configuration.unusedTensors))
  }

  /// What a denoiser is conditioned on.
  private static func condition(_ configuration: DenoiserConfiguration) -> String {
    switch configuration.kind {
    case .classConditional:
      let unconditional = configuration.unconditionalClass.map { " (\($0) is no class)" } ?? ""
      return "class-conditional, \(configuration.classRows ?? 0) class rows\(unconditional)"
    case .text:
      let (length, width) = (configuration.textLength ?? 0, configuration.textWidth ?? 0)
      return "text-conditional, \(length) text vectors of width \(width)"
    case .unconditional: return "unconditional"
    }
  }

  private static func text(_ configuration: DenoiserConfiguration) -> String {
    "\(condition(configuration)), \(configuration.layers) layers of width \(configuration.width), "
      + "\(configuration.heads) heads, \(configuration.grid[0])×\(configuration.grid[1]) tokens of "
      + "\(configuration.codebookSize) codes, \(configuration.timesteps) timesteps"
  }

  private static func text(_ configuration: VQModelConfiguration) -> String {
    "\(configuration.codes) codes of dimension \(configuration.codeDimension), \(configuration.downsamplingFactor)×"
      + "\(configuration.downsamplingFactor) pixels per token, trained on \(configuration.resolution)×"
      + "\(configuration.resolution)"
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
  /// - Parameter unused: names of tensors that are no parameters.
  fileprivate init(files: [URL], except unused: [String] = []) throws {
    let opened = try files.map { try SafetensorsFile($0) }
    let ignored = Set(unused + [CodebookMapFile.tensor])
    let entries = opened.flatMap(\.entries).filter { !ignored.contains($0.name) }
    parameters = entries.reduce(0) { $0 + $1.shape.reduce(1, *) }
    tensors = entries.count
    bytes = opened.reduce(0) { $0 + $1.bytes.count }
    elementTypes = Set(entries.map(\.elementType.rawValue)).sorted()
  }
}
