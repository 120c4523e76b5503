import Foundation
import Yams

/// A value in a YAML file, with the path to it for messages.
///
/// Tags such as `!!python/tuple` say what a Python program would make of a value; here a sequence is a sequence and nothing is made.
package struct YAMLConfiguration {
  let file: String
  private let node: Node
  private let path: String

  /// The largest file that is read: configurations have some kilobytes.
  private static let largestFile = 1 << 20

  /// - Throws: `PipelineError.unreadable`, `.invalidConfiguration` for anything but a YAML mapping.
  package init(contentsOf url: URL) throws(PipelineError) {
    file = url.path
    path = ""
    do {
      let size = try url.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
      guard size <= Self.largestFile else {
        throw PipelineError.invalidConfiguration(
          file: file, field: "", expected: "a YAML file of at most \(Self.largestFile) bytes", found: "\(size)")
      }
      let bytes = try Data(contentsOf: url)
      guard !Self.mayRepeatKeys(bytes) else {
        throw PipelineError.invalidConfiguration(
          file: file, field: "", expected: "keys that are plain text, in a file with aliases",
          found: "'?', a list or an alias as a key")
      }
      guard let text = String(data: bytes, encoding: .utf8), let root = try Yams.compose(yaml: text),
        root.mapping != nil
      else {
        throw PipelineError.invalidConfiguration(file: file, field: "", expected: "a YAML mapping", found: "something else")
      }
      node = root
    } catch let error as PipelineError {
      throw error
    } catch let error as YamlError {
      throw .invalidConfiguration(file: file, field: "", expected: "valid YAML", found: "\(error)")
    } catch {
      throw .unreadable(file: file, reason: error.localizedDescription)
    }
  }

  /// Whether a key may consist of aliases. The parser compares keys: with aliases of aliases in them that takes time exponential in the
  /// file's size. Aliases as values cost nothing.
  ///
  /// A key that is more than a text follows "?", ends with "]" or "}" before its colon, or is an alias itself (YAML 1.1, section
  /// 8.2; keys without "?" are of one line). Quotes and comments are taken for the same, since they hardly ever look so.
  private static func mayRepeatKeys(_ text: Data) -> Bool {
    let bytes = [UInt8](text)
    func isName(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    func isBeforeColon(_ position: Int) -> Bool {
      bytes[position...].first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") } == UInt8(ascii: ":")
    }
    var (hasAlias, hasKey) = (false, bytes.contains(UInt8(ascii: "?")))
    for (position, byte) in bytes.enumerated() {
      switch byte {
      case UInt8(ascii: "*"):
        guard let end = bytes[(position + 1)...].firstIndex(where: { !isName($0) }), end > position + 1 else { continue }
        hasAlias = true
        if isBeforeColon(end) { hasKey = true }
      case UInt8(ascii: "]"), UInt8(ascii: "}"): if isBeforeColon(position + 1) { hasKey = true }
      default: break
      }
    }
    return hasAlias && hasKey
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

  /// - Throws: `PipelineError.invalidConfiguration` if there is no such value.
  func required(_ name: String) throws(PipelineError) -> YAMLConfiguration {
    guard let value = self[name] else {
      throw .invalidConfiguration(
        file: file, field: path.isEmpty ? name : "\(path).\(name)", expected: "a value", found: "nothing")
    }
    return value
  }

  func integer() throws(PipelineError) -> Int {
    guard let scalar = node.scalar, let value = Int(scalar.string) else { throw mismatch("a whole number") }
    return value
  }

  func string() throws(PipelineError) -> String {
    guard let scalar = node.scalar else { throw mismatch("a string") }
    return scalar.string
  }

  func integers() throws(PipelineError) -> [Int] {
    guard let sequence = node.sequence else { throw mismatch("a list of whole numbers") }
    var values: [Int] = []
    for (index, element) in sequence.enumerated() {
      values.append(try YAMLConfiguration(file: file, node: element, path: "\(path)[\(index)]").integer())
    }
    return values
  }

  /// A string as one of a type's raw values.
  func option<Option: RawRepresentable & CaseIterable>() throws(PipelineError) -> Option where Option.RawValue == String {
    let text = try string()
    guard let option = Option(rawValue: text) else {
      throw .invalidConfiguration(
        file: file, field: path, expected: Option.allCases.map(\.rawValue).joined(separator: " or "), found: text)
    }
    return option
  }

  func mismatch(_ expected: String) -> PipelineError {
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
