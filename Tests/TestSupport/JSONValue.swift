import Foundation

/// A JSON value with access by key that throws where a test expects something else than the file holds.
package enum JSONValue: Decodable, Sendable, Equatable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  package struct Mismatch: Error, CustomStringConvertible {
    package let description: String
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .int(value)
    } else if let value = try? container.decode(Double.self) {
      self = .double(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// The value of `key` in an object; null where there is no such key.
  package subscript(_ key: String) -> JSONValue {
    guard case .object(let members) = self else { return .null }
    return members[key] ?? .null
  }

  package var isNull: Bool { self == .null }

  package var intValue: Int? { if case .int(let value) = self { value } else { nil } }

  package var doubleValue: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }

  package var stringValue: String? { if case .string(let value) = self { value } else { nil } }

  package var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

  package var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

  package var objectValue: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }

  package func int(_ key: String) throws -> Int { try require(key, "an integer", \.intValue) }
  package func double(_ key: String) throws -> Double { try require(key, "a number", \.doubleValue) }
  package func string(_ key: String) throws -> String { try require(key, "a string", \.stringValue) }
  package func bool(_ key: String) throws -> Bool { try require(key, "true or false", \.boolValue) }
  package func array(_ key: String) throws -> [JSONValue] { try require(key, "an array", \.arrayValue) }
  package func object(_ key: String) throws -> [String: JSONValue] { try require(key, "an object", \.objectValue) }
  package func ints(_ key: String) throws -> [Int] { try all(key, "integers", \.intValue) }
  package func doubles(_ key: String) throws -> [Double] { try all(key, "numbers", \.doubleValue) }
  package func strings(_ key: String) throws -> [String] { try all(key, "strings", \.stringValue) }

  private func require<T>(_ key: String, _ kind: String, _ convert: (JSONValue) -> T?) throws -> T {
    guard let value = convert(self[key]) else {
      throw Mismatch(description: "expected \(kind) under \"\(key)\", found \(self[key])")
    }
    return value
  }

  private func all<T>(_ key: String, _ kind: String, _ convert: (JSONValue) -> T?) throws -> [T] {
    try array(key).map { element in
      guard let value = convert(element) else {
        throw Mismatch(description: "expected \(kind) under \"\(key)\", found \(element)")
      }
      return value
    }
  }
}
