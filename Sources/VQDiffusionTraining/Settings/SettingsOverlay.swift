import Foundation
import ModelFiles

/// Settings that differ from a preset's: those that a file names, or an option of a command.
///
/// Nested keys replace the preset's values, all others stay:
///
///     preset: tiny
///     optimization: {steps: 500, batch: 32}
public struct SettingsOverlay: Sendable {
  private static let presetKey = "preset"

  private var tree: YAMLValue
  /// The preset that the file asks for; nil if it doesn't say.
  public let preset: TrainingPreset?

  /// Reads a JSON or YAML file.
  ///
  /// - Throws: `TrainingRunError.invalidSettings`.
  public init(contentsOf url: URL) throws(TrainingRunError) {
    let root: YAMLValue
    do { root = try YAMLValue(contentsOf: url) } catch { throw TrainingRunError(error) }
    guard case .mapping(var values) = root.content else {
      throw .invalidSettings(file: url.path, field: "", expected: "a mapping", found: root.shown)
    }
    preset = try values.removeValue(forKey: Self.presetKey).map { value throws(TrainingRunError) in
      if case .scalar(let name, _) = value.content, let preset = TrainingPreset(rawValue: name) { return preset }
      let names = TrainingPreset.allCases.map(\.rawValue).alternatives
      throw .invalidSettings(file: url.path, field: Self.presetKey, expected: names, found: value.shown)
    }
    tree = YAMLValue(.mapping(values), origin: url.path)
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
    let value: YAMLValue?
    do { value = try YAMLValue.parsing(text, path: path, origin: origin) } catch { throw TrainingRunError(error) }
    guard let value else {
      throw .invalidSettings(file: origin, field: path, expected: "a value", found: text.isEmpty ? "nothing" : "'\(text)'")
    }
    preset = nil
    tree = names.reversed().reduce(value) { value, name in YAMLValue(.mapping([name: value]), origin: origin) }
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

  /// The whole number under a name of the first level; nil without a value there.
  ///
  /// - Throws: `TrainingRunError.invalidSettings` for a value of another kind.
  public func integer(_ name: String) throws -> Int? {
    guard case .mapping(let values) = tree.content, let value = values[name] else { return nil }
    return try SettingsPlace(value, path: [FieldName(name)]).integer()
  }

  /// Settings with these values in the place of their own.
  ///
  /// - Throws: `TrainingRunError.invalidSettings` for a key that such settings don't have, and a value of another kind than theirs.
  public func applied<Settings: Codable>(to settings: Settings) throws(TrainingRunError) -> Settings {
    do {
      let text = String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)
      guard let base = try YAMLValue.parsing(text, origin: "preset") else { return settings }
      let merged = base.overlaid(with: tree)
      return try SettingsPlace(merged, path: []).decode(Settings.self)
    } catch let error as TrainingRunError {
      throw error
    } catch let error as DecodingError {
      throw TrainingRunError(ModelFileError(error, file: tree.origin))
    } catch let error as ModelFileError {
      throw TrainingRunError(error)
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
