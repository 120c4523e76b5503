import Foundation

/// The classes of a model by name.
public struct LabelSet: Sendable, Equatable {
  /// What a class is called.
  public struct Entry: Sendable, Equatable {
    /// The name that it is shown by.
    public let name: String
    /// Its WordNet id, such as `n02123045`.
    public let id: String?
    /// Other names that it is understood by; several classes may share one.
    public let synonyms: [String]

    public init(name: String, id: String? = nil, synonyms: [String] = []) {
      (self.name, self.id, self.synonyms) = (name, id, synonyms)
    }
  }

  /// In index order.
  public let entries: [Entry]

  public init(entries: [Entry]) { self.entries = entries }

  public init(_ names: [String]) { self.init(entries: names.map { Entry(name: $0) }) }

  /// The 1,000 classes of ImageNet (ILSVRC 2012), by WordNet id in ascending order, as image models number them.
  ///
  /// - Throws: `ModelFileError.imageNetNamesMissing` if the package's resources aren't found,
  ///   `ModelFileError` for a file of theirs that can't be read.
  public static func imageNet() throws(ModelFileError) -> LabelSet {
    let folder = try BundledResources.folder(
      "imagenet", holding: "labels.json", missing: ModelFileError.imageNetNamesMissing(searched:))
    return try ModelFolder(folder).labels()
  }

  /// The name that each class is shown by, in index order.
  public var names: [String] { entries.map(\.name) }

  /// The name of a class, or its index where it has none.
  public subscript(_ index: Int) -> String { entries.indices.contains(index) ? entries[index].name : "\(index)" }
}

/// An array, each class its name alone or an object with `name`, `id` and `synonyms`.
extension LabelSet: Codable {
  public init(from decoder: any Decoder) throws { entries = try [Entry](from: decoder) }

  public func encode(to encoder: any Encoder) throws { try entries.encode(to: encoder) }
}

extension LabelSet.Entry: Codable {
  private enum CodingKeys: CodingKey { case name, id, synonyms }

  public init(from decoder: any Decoder) throws {
    if let name = try? decoder.singleValueContainer().decode(String.self) {
      self.init(name: name)
      return
    }
    guard let object = try? decoder.container(keyedBy: CodingKeys.self) else {
      throw DecodingError.typeMismatch(
        Self.self, .init(codingPath: decoder.codingPath, debugDescription: "neither a string nor an object"))
    }
    self.init(
      name: try object.decode(String.self, forKey: .name), id: try object.decodeIfPresent(String.self, forKey: .id),
      synonyms: try object.decodeIfPresent([String].self, forKey: .synonyms) ?? [])
  }

  public func encode(to encoder: any Encoder) throws {
    guard id != nil || !synonyms.isEmpty else {
      var container = encoder.singleValueContainer()
      return try container.encode(name)
    }
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(name, forKey: .name)
    try object.encodeIfPresent(id, forKey: .id)
    if !synonyms.isEmpty { try object.encode(synonyms, forKey: .synonyms) }
  }
}
