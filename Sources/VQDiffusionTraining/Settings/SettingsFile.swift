import Foundation
import VQDiffusion
import Yams

/// Settings that differ from a preset's: those that a file names, or an option of a command.
///
/// Nested keys replace the preset's values, all others stay:
///
///     preset: tiny
///     optimization: {steps: 500, batch: 32}
public struct SettingsOverlay: Sendable {
  private static let presetKey = "preset"

  private var tree: SettingsValue
  /// The preset that the file asks for; nil if it doesn't say.
  public let preset: TrainingPreset?

  /// Reads a JSON or YAML file.
  ///
  /// - Throws: `TrainingRunError.invalidSettings`.
  public init(contentsOf url: URL) throws(TrainingRunError) {
    let node: Node
    do {
      node = try YAMLConfiguration(contentsOf: url).node
    } catch {
      switch error {
      case .invalidConfiguration(let file, let field, let expected, let found):
        throw .invalidSettings(file: file, field: field, expected: expected, found: found)
      case .unreadable(let file, let reason):
        throw .invalidSettings(file: file, field: "", expected: "a file that can be read", found: reason)
      default:
        throw .invalidSettings(file: url.path, field: "", expected: "settings", found: "\(error)")
      }
    }
    let root = try SettingsValue(node, origin: url.path)
    guard case .mapping(var values) = root.content else {
      throw .invalidSettings(file: url.path, field: "", expected: "a mapping", found: root.shown)
    }
    preset = try values.removeValue(forKey: Self.presetKey).map { value throws(TrainingRunError) in
      if case .scalar(let name, _) = value.content, let preset = TrainingPreset(rawValue: name) { return preset }
      let names = TrainingPreset.allCases.map(\.rawValue).alternatives
      throw .invalidSettings(file: url.path, field: Self.presetKey, expected: names, found: value.shown)
    }
    tree = SettingsValue(.mapping(values), origin: url.path)
  }

  /// One value.
  ///
  /// - Parameters:
  ///   - path: its place, such as `optimization.batch`.
  ///   - text: as YAML has it, in a line: `32`, `true`, `[1, 2]`.
  ///   - origin: what it was given by, for messages.
  /// - Throws: `TrainingRunError.invalidSettings`.
  public init(_ path: String, _ text: String, origin: String) throws(TrainingRunError) {
    let names = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard names.allSatisfy({ !$0.isEmpty }) else {
      throw .invalidSettings(file: origin, field: path, expected: "names such as optimization.batch", found: "'\(path)'")
    }
    guard !text.contains("*"), let node = try? Yams.compose(yaml: text) else {
      throw .invalidSettings(file: origin, field: path, expected: "a value", found: text.isEmpty ? "nothing" : "'\(text)'")
    }
    preset = nil
    tree = names.reversed().reduce(try SettingsValue(node, path: path, origin: origin)) { value, name in
      SettingsValue(.mapping([name: value]), origin: origin)
    }
  }

  /// One value, as `PATH=VALUE`.
  ///
  /// - Throws: `TrainingRunError.invalidSettings`.
  public init(assignment: String, origin: String) throws(TrainingRunError) {
    guard let sign = assignment.firstIndex(of: "=") else {
      throw .invalidSettings(file: origin, field: "", expected: "path=value", found: "'\(assignment)'")
    }
    try self.init(String(assignment[..<sign]), String(assignment[assignment.index(after: sign)...]), origin: origin)
  }

  /// Whether it has a value under a name of the first level.
  public func names(_ name: String) -> Bool {
    if case .mapping(let values) = tree.content { values[name] != nil } else { false }
  }

  /// Settings with these values in the place of their own.
  ///
  /// - Throws: `TrainingRunError.invalidSettings` for a key that such settings don't have, and a value of another kind than theirs.
  public func applied<Settings: Codable>(to settings: Settings) throws(TrainingRunError) -> Settings {
    do {
      let text = String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)
      guard let node = try Yams.compose(yaml: text) else { return settings }
      let merged = try SettingsValue(node, origin: "preset").overlaid(with: tree)
      return try SettingsPlace(merged, path: []).decode(Settings.self)
    } catch let error as TrainingRunError {
      throw error
    } catch let error as DecodingError {
      throw TrainingRunError(error, file: tree.origin)
    } catch {
      throw .invalidSettings(file: tree.origin, field: "", expected: "settings", found: "\(error)")
    }
  }
}

extension [String] {
  /// "a, b or c"
  var alternatives: String {
    guard let last, count > 1 else { return first ?? "nothing" }
    return dropLast().joined(separator: ", ") + " or " + last
  }
}
