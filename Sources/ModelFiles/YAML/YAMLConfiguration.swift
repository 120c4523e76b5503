import Files
import Foundation
import Yams

/// A value in a YAML file, with the path to it for messages.
///
/// Tags such as `!!python/tuple` say what a Python program would make of a value; here a sequence is a sequence and nothing is made.
package struct YAMLConfiguration {
  let file: String
  let node: Node
  private let path: String

  /// The largest file that is read: configurations have some kilobytes.
  private static let largestFile = 1 << 20

  /// The most aliases that are followed: programs write them for lists that occur twice. Aliases of aliases multiply, and the
  /// parser compares keys as wholes.
  private static let mostAliases = 24

  /// - Throws: `ModelFileError.unreadable`, `.invalidConfiguration` for anything but a YAML mapping.
  package init(contentsOf url: URL) throws(ModelFileError) {
    file = url.path
    path = ""
    do {
      let data = try SmallFile.contents(of: url, limit: Self.largestFile, kind: "a YAML file")
      let aliases = Self.aliasCount(data)
      guard aliases <= Self.mostAliases else {
        throw ModelFileError.invalidConfiguration(
          file: file, field: "", expected: "at most \(Self.mostAliases) aliases", found: "\(aliases)")
      }
      guard let text = String(data: data, encoding: .utf8), let root = try Yams.compose(yaml: text), root.mapping != nil else {
        throw ModelFileError.invalidConfiguration(file: file, field: "", expected: "a YAML mapping", found: "something else")
      }
      node = root
    } catch let error as ModelFileError {
      throw error
    } catch let error as FileError {
      throw ModelFileError(error)
    } catch let error as YamlError {
      throw .invalidConfiguration(file: file, field: "", expected: "valid YAML", found: "\(error)")
    } catch {
      throw .unreadable(file: file, reason: error.localizedDescription)
    }
  }

  /// How many asterisks could begin an alias: those before something else than a space or another asterisk. Comments and strings
  /// are counted too, since where they end is the parser's to say.
  private static func aliasCount(_ data: Data) -> Int {
    let asterisk = UInt8(ascii: "*")
    return zip(data, data.dropFirst()).count { $0 == asterisk && $1 != asterisk && $1 > UInt8(ascii: " ") }
  }

  private init(file: String, node: Node, path: String) { (self.file, self.node, self.path) = (file, node, path) }

  /// The value under a dotted path; nil if there is none, or `null`.
  subscript(_ name: String) -> YAMLConfiguration? {
    var value = self
    for part in name.split(separator: ".") {
      guard let mapping = value.node.mapping, let child = mapping[Node(String(part))], child.null == nil else { return nil }
      value = YAMLConfiguration(file: file, node: child, path: value.path.isEmpty ? "\(part)" : "\(value.path).\(part)")
    }
    return value
  }

  /// - Throws: `ModelFileError.invalidConfiguration` if there is no such value.
  func required(_ name: String) throws(ModelFileError) -> YAMLConfiguration {
    guard let value = self[name] else {
      throw .invalidConfiguration(
        file: file, field: path.isEmpty ? name : "\(path).\(name)", expected: "a value", found: "nothing")
    }
    return value
  }

  func integer() throws(ModelFileError) -> Int {
    guard let scalar = node.scalar, let value = Int(scalar.string) else { throw mismatch("a whole number") }
    return value
  }

  func boolean() throws(ModelFileError) -> Bool {
    switch node.scalar?.string.lowercased() {
    case "true", "yes", "on": return true
    case "false", "no", "off": return false
    default: throw mismatch("True or False")
    }
  }

  func string() throws(ModelFileError) -> String {
    guard let scalar = node.scalar else { throw mismatch("a string") }
    return scalar.string
  }

  /// The path of a file; nil for `None`, which Python programs write for no file.
  func filePath() throws(ModelFileError) -> String? {
    let path = try string()
    return path.isEmpty || path == "None" ? nil : path
  }

  func integers() throws(ModelFileError) -> [Int] {
    guard let sequence = node.sequence else { throw mismatch("a list of whole numbers") }
    var values: [Int] = []
    for (index, element) in sequence.enumerated() {
      values.append(try YAMLConfiguration(file: file, node: element, path: "\(path)[\(index)]").integer())
    }
    return values
  }

  /// A string as one of a type's raw values.
  func option<Option: RawRepresentable & CaseIterable>() throws(ModelFileError) -> Option where Option.RawValue == String {
    let text = try string()
    guard let option = Option(rawValue: text) else {
      throw .invalidConfiguration(
        file: file, field: path, expected: Option.allCases.map(\.rawValue).joined(separator: " or "), found: text)
    }
    return option
  }

  func mismatch(_ expected: String) -> ModelFileError {
    let found: String =
      switch node {
      case .scalar(let scalar): "'\(scalar.string.prefix(80))'"
      case .mapping: "a mapping"
      case .sequence: "a list"
      case .alias: "an alias"
      }
    return .invalidConfiguration(file: file, field: path, expected: expected, found: found)
  }
}
