import Files
import Foundation
import Yams

/// A value of a YAML or JSON document as it was written, and where it comes from.
package struct YAMLValue: Sendable {
  package enum Content: Sendable {
    case mapping([String: YAMLValue])
    case list([YAMLValue])
    /// Text that quotes make a string, whatever it looks like, and text that may be anything.
    case scalar(String, isQuoted: Bool)
    /// `null` and the like, which is also a name in some enumerations.
    case null(String)
  }

  package let content: Content
  /// The file or the option that the value comes from, for messages.
  package let origin: String

  package init(_ content: Content, origin: String) { (self.content, self.origin) = (content, origin) }

  /// The document in a file.
  ///
  /// - Throws: `ModelFileError.unreadable`, `.invalidConfiguration`.
  package init(contentsOf url: URL) throws(ModelFileError) {
    try self.init(YAMLConfiguration(contentsOf: url).node, origin: url.path)
  }

  /// The value that a text without aliases states; nil for an empty text and for one that isn't YAML.
  ///
  /// - Parameter path: where the value belongs, for messages.
  /// - Throws: `ModelFileError.invalidConfiguration` for keys that aren't names, or that occur twice.
  package static func parsing(_ text: String, path: String = "", origin: String) throws(ModelFileError) -> YAMLValue? {
    guard !text.contains("*"), let node = try? Yams.compose(yaml: text) else { return nil }
    return try YAMLValue(node, path: path, origin: origin)
  }

  private init(_ node: Node, path: String = "", origin: String) throws(ModelFileError) {
    self.origin = origin
    switch node {
    case .scalar(let scalar):
      let isQuoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
      content = !isQuoted && node.null != nil ? .null(scalar.string) : .scalar(scalar.string, isQuoted: isQuoted)
    case .sequence(let sequence):
      var values: [YAMLValue] = []
      for (index, element) in sequence.enumerated() {
        values.append(try YAMLValue(element, path: "\(path)[\(index)]", origin: origin))
      }
      content = .list(values)
    case .mapping(let mapping): content = .mapping(try Self.values(of: mapping, path: path, origin: origin))
    case .alias:
      throw .invalidConfiguration(file: origin, field: path, expected: "a value", found: "an alias of nothing")
    }
  }

  private static func values(
    of mapping: Node.Mapping, path: String, origin: String
  ) throws(ModelFileError) -> [String: YAMLValue] {
    var values: [String: YAMLValue] = [:]
    for (key, value) in mapping {
      guard let name = key.scalar?.string else {
        throw .invalidConfiguration(file: origin, field: path, expected: "names for keys", found: "another key")
      }
      let place = path.isEmpty ? name : "\(path).\(name)"
      guard values[name] == nil else {
        throw .invalidConfiguration(file: origin, field: place, expected: "one value", found: "two")
      }
      values[name] = try YAMLValue(value, path: place, origin: origin)
    }
    return values
  }

  /// This value with another's keys laid over its own, at every depth; anything but a mapping over a mapping takes its place.
  package func overlaid(with other: YAMLValue) -> YAMLValue {
    guard case .mapping(let own) = content, case .mapping(let others) = other.content else { return other }
    return YAMLValue(.mapping(own.merging(others) { $0.overlaid(with: $1) }), origin: origin)
  }

  /// The text of a value that isn't nested.
  package var text: String? {
    switch content {
    case .scalar(let text, _), .null(let text): text
    case .mapping, .list: nil
    }
  }

  /// What messages call it.
  package var shown: String {
    switch content {
    case .mapping: "a mapping"
    case .list: "a list"
    case .null: "nothing"
    case .scalar(let text, _): "'\(text.prefix(80))'"
    }
  }
}
