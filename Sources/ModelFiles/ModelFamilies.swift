import Foundation
import Transformer
import VQVAE

/// A family of models: its network and tokenizer, where it has them of its own, and the layouts of files that they come in.
struct ModelFamily: Sendable {
  var network: (any NetworkConfiguration.Type)?
  var tokenizer: (any TokenizerConfiguration.Type)?
  /// Layouts of others, asked in this order.
  var importers: [any ModelImporter.Type] = []
}

/// The one registry of model families: a new family is a line here, at the end.
enum ModelFamilies {
  /// Configuration files that name no family belong to the first.
  static let all = [
    ModelFamily(
      network: VQDiffusionConfiguration.self, tokenizer: TamingVQGANConfiguration.self,
      importers: [MicrosoftCheckpoint.self, DiffusersFolder.self])
  ]

  static var networks: [any NetworkConfiguration.Type] { all.compactMap(\.network) }
  static var tokenizers: [any TokenizerConfiguration.Type] { all.compactMap(\.tokenizer) }
  /// Later families first: the first family's importers take whatever is left, and say what is wrong with it.
  static var importers: [any ModelImporter.Type] { all.reversed().flatMap(\.importers) }
}

/// A layout of model files that belongs to others.
protocol ModelImporter: ModelSource {
  /// Opens the model at a path that exists.
  ///
  /// - Returns: nil for files of another layout.
  /// - Throws: `ModelFileError`, `CheckpointError` for files of this layout that can't be read.
  static func open(_ url: URL, isFolder: Bool, _ location: ModelLocation) throws -> (any ModelSource)?
}

/// The field of a configuration file that names its family.
private struct FamilyName: Codable {
  var family: String?
}

extension ConfigurationFolder {
  /// The configuration of a denoising network, of whatever family.
  ///
  /// - Throws: as `decode`; `ModelFileError.invalidConfiguration` for an unknown family.
  func networkConfiguration(_ file: String) throws(ModelFileError) -> any NetworkConfiguration {
    let types = ModelFamilies.networks
    let place = try family(file, among: types.map { $0.family })
    return try decodeConfiguration(types[place], file)
  }

  /// The configuration of an image tokenizer, of whatever family.
  ///
  /// - Throws: as `networkConfiguration`.
  func tokenizerConfiguration(_ file: String) throws(ModelFileError) -> any TokenizerConfiguration {
    let types = ModelFamilies.tokenizers
    let place = try family(file, among: types.map { $0.family })
    return try decodeConfiguration(types[place], file)
  }

  private func decodeConfiguration<C: Decodable>(_ type: C.Type, _ file: String) throws(ModelFileError) -> C {
    try decode(file)
  }

  /// The place of the family that a file names among `names`.
  private func family(_ file: String, among names: [String]) throws(ModelFileError) -> Int {
    guard let name = (try decode(file) as FamilyName).family else { return 0 }
    guard let place = names.firstIndex(of: name) else {
      throw .invalidConfiguration(
        file: path(file), field: "family", expected: names.joined(separator: " or "), found: name)
    }
    return place
  }
}

/// A configuration as this project's files hold it: with its family's name, unless that is the first.
struct NamedConfiguration: Encodable {
  private let configuration: any Encodable
  private let family: String?

  init(_ configuration: any NetworkConfiguration) {
    self.init(configuration, type(of: configuration).family, ModelFamilies.networks[0].family)
  }

  init(_ configuration: any TokenizerConfiguration) {
    self.init(configuration, type(of: configuration).family, ModelFamilies.tokenizers[0].family)
  }

  private init(_ configuration: any Encodable, _ family: String, _ first: String) {
    (self.configuration, self.family) = (configuration, family == first ? nil : family)
  }

  func encode(to encoder: any Encoder) throws {
    try configuration.encode(to: encoder)
    if let family { try FamilyName(family: family).encode(to: encoder) }
  }
}
