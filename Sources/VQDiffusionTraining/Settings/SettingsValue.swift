import Foundation
import Yams

/// A value of settings as it was written, and by whom.
struct SettingsValue: Sendable {
  enum Content: Sendable {
    case mapping([String: SettingsValue])
    case list([SettingsValue])
    /// Text that quotes make a string, whatever it looks like, and text that may be anything.
    case scalar(String, isQuoted: Bool)
    /// `null` and the like, which is also a name in some enumerations.
    case null(String)
  }

  let content: Content
  /// The file or the option that the value comes from, for messages.
  let origin: String

  init(_ content: Content, origin: String) { (self.content, self.origin) = (content, origin) }

  /// - Throws: `TrainingRunError.invalidSettings` for keys that aren't names.
  init(_ node: Node, path: String = "", origin: String) throws(TrainingRunError) {
    self.origin = origin
    switch node {
    case .scalar(let scalar):
      let isQuoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
      content = !isQuoted && node.null != nil ? .null(scalar.string) : .scalar(scalar.string, isQuoted: isQuoted)
    case .sequence(let sequence):
      var values: [SettingsValue] = []
      for (index, element) in sequence.enumerated() {
        values.append(try SettingsValue(element, path: "\(path)[\(index)]", origin: origin))
      }
      content = .list(values)
    case .mapping(let mapping):
      var values: [String: SettingsValue] = [:]
      for (key, value) in mapping {
        guard let name = key.scalar?.string else {
          throw .invalidSettings(file: origin, field: path, expected: "names for keys", found: "another key")
        }
        let place = path.isEmpty ? name : "\(path).\(name)"
        guard values[name] == nil else {
          throw .invalidSettings(file: origin, field: place, expected: "one value", found: "two")
        }
        values[name] = try SettingsValue(value, path: place, origin: origin)
      }
      content = .mapping(values)
    case .alias:
      throw .invalidSettings(file: origin, field: path, expected: "a value", found: "an alias of nothing")
    }
  }

  /// This value with another's keys laid over its own, at every depth; anything but a mapping over a mapping takes its place.
  func overlaid(with other: SettingsValue) -> SettingsValue {
    guard case .mapping(let own) = content, case .mapping(let others) = other.content else { return other }
    return SettingsValue(.mapping(own.merging(others) { $0.overlaid(with: $1) }), origin: origin)
  }

  /// The text of a value that isn't nested.
  var text: String? {
    switch content {
    case .scalar(let text, _), .null(let text): text
    case .mapping, .list: nil
    }
  }

  /// What messages call it.
  var shown: String {
    switch content {
    case .mapping: "a mapping"
    case .list: "a list"
    case .null: "nothing"
    case .scalar(let text, _): "'\(text.prefix(80))'"
    }
  }
}
