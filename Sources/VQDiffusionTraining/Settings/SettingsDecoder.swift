import Foundation
import ModelFiles

/// A value of settings at its place; decoding it tells what isn't of the kind that is asked for, and keys that nobody asks for.
struct SettingsPlace {
  let value: YAMLValue
  let path: [any CodingKey]

  init(_ value: YAMLValue, path: [any CodingKey]) { (self.value, self.path) = (value, path) }

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    if let options = Self.options(of: type) {
      guard let text = value.text, options.contains(text) else { throw mismatch(options.alternatives) }
    }
    let decoder = SettingsDecoder(self)
    let decoded = try T(from: decoder)
    if let error = decoder.unknownKey { throw error }
    return decoded
  }

  /// The texts that stand for an enumeration's cases; nil of other types.
  private static func options(of type: any Any.Type) -> [String]? {
    func rawValues<E: CaseIterable>(_: E.Type) -> [String] {
      E.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
    }
    guard let enumeration = type as? any CaseIterable.Type else { return nil }
    let options = rawValues(enumeration)
    return options.isEmpty ? nil : options
  }

  func mismatch(_ expected: String, found: String? = nil) -> TrainingRunError {
    .invalidSettings(
      file: value.origin, field: path.map(\.stringValue).joined(separator: "."), expected: expected, found: found ?? value.shown)
  }

  func text() throws -> String {
    guard let text = value.text else { throw mismatch("a string") }
    return text
  }

  func boolean() throws -> Bool {
    if case .scalar(let text, isQuoted: false) = value.content {
      switch text {
      case "true", "True": return true
      case "false", "False": return false
      default: break
      }
    }
    throw mismatch("true or false")
  }

  func number<N: LosslessStringConvertible>(_ expected: String) throws -> N {
    guard case .scalar(let text, isQuoted: false) = value.content, let number = N(text) else { throw mismatch(expected) }
    return number
  }

  /// A finite number, as settings have no use for others; JSON couldn't hold them either.
  func fraction() throws -> Double {
    let number: Double = try number("a number")
    guard number.isFinite else { throw mismatch("a finite number") }
    return number
  }

  func integer<I: FixedWidthInteger & LosslessStringConvertible>() throws -> I {
    try number(I.isSigned ? "a whole number" : "a whole number, 0 or more")
  }

  var isNull: Bool { if case .null = value.content { true } else { false } }
}

/// The name of a field, where no enumeration of them is at hand.
struct FieldName: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(_ name: String) { stringValue = name }
  init?(stringValue: String) { self.init(stringValue) }
  init?(intValue: Int) { nil }
}

/// Decodes settings from a tree, and takes note of the keys that they have.
final class SettingsDecoder: Decoder {
  let place: SettingsPlace
  private var asked: Set<String> = []

  init(_ place: SettingsPlace) { self.place = place }

  var codingPath: [any CodingKey] { place.path }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard case .mapping(let values) = place.value.content else { throw place.mismatch("a mapping") }
    return KeyedDecodingContainer(SettingsMapping(decoder: self, values: values))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .list(let values) = place.value.content else { throw place.mismatch("a list") }
    return SettingsList(codingPath: place.path, values: values)
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { SettingsScalar(place: place) }

  func note(_ key: any CodingKey) { asked.insert(key.stringValue) }

  /// What is wrong with a key that hasn't been asked for.
  var unknownKey: TrainingRunError? {
    guard !asked.isEmpty, case .mapping(let values) = place.value.content else { return nil }
    guard let key = values.keys.filter({ !asked.contains($0) }).min(), let value = values[key] else { return nil }
    let field = (place.path.map(\.stringValue) + [key]).joined(separator: ".")
    return .invalidSettings(
      file: value.origin, field: field, expected: "one of the settings \(asked.sorted().joined(separator: ", "))",
      found: "the unknown '\(key)'")
  }
}

private struct SettingsMapping<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoder: SettingsDecoder
  let values: [String: YAMLValue]

  var codingPath: [any CodingKey] { decoder.codingPath }
  var allKeys: [Key] { values.keys.sorted().compactMap { Key(stringValue: $0) } }

  func contains(_ key: Key) -> Bool {
    decoder.note(key)
    return values[key.stringValue] != nil
  }

  private func place(_ key: Key) throws -> SettingsPlace {
    decoder.note(key)
    guard let value = values[key.stringValue] else {
      throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "no value"))
    }
    return SettingsPlace(value, path: codingPath + [key])
  }

  func decodeNil(forKey key: Key) throws -> Bool { try place(key).isNull }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try place(key).decode(type) }

  func nestedContainer<NestedKey>(
    keyedBy type: NestedKey.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<NestedKey> {
    try SettingsDecoder(place(key)).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try SettingsDecoder(place(key)).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { decoder }

  func superDecoder(forKey key: Key) throws -> any Decoder { SettingsDecoder(try place(key)) }
}

private struct SettingsList: UnkeyedDecodingContainer {
  let codingPath: [any CodingKey]
  let values: [YAMLValue]
  var currentIndex = 0

  var count: Int? { values.count }
  var isAtEnd: Bool { currentIndex == values.count }

  private struct Index: CodingKey {
    let intValue: Int?
    var stringValue: String { intValue.map(String.init) ?? "" }
    init(_ index: Int) { intValue = index }
    init?(intValue: Int) { self.init(intValue) }
    init?(stringValue: String) { nil }
  }

  private mutating func next() throws -> SettingsPlace {
    let path = codingPath + [Index(currentIndex)]
    guard !isAtEnd else {
      throw DecodingError.valueNotFound(YAMLValue.self, .init(codingPath: path, debugDescription: "the list is too short"))
    }
    defer { currentIndex += 1 }
    return SettingsPlace(values[currentIndex], path: path)
  }

  mutating func decodeNil() throws -> Bool {
    guard !isAtEnd, case .null = values[currentIndex].content else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try next().decode(type) }

  mutating func nestedContainer<NestedKey>(keyedBy type: NestedKey.Type) throws -> KeyedDecodingContainer<NestedKey> {
    try SettingsDecoder(next()).container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try SettingsDecoder(next()).unkeyedContainer() }

  mutating func superDecoder() throws -> any Decoder { SettingsDecoder(try next()) }
}

private struct SettingsScalar: SingleValueDecodingContainer {
  let place: SettingsPlace
  var codingPath: [any CodingKey] { place.path }

  func decodeNil() -> Bool { place.isNull }
  func decode(_ type: Bool.Type) throws -> Bool { try place.boolean() }
  func decode(_ type: String.Type) throws -> String { try place.text() }
  func decode(_ type: Double.Type) throws -> Double { try place.fraction() }
  func decode(_ type: Float.Type) throws -> Float { Float(try place.fraction()) }
  func decode(_ type: Int.Type) throws -> Int { try place.integer() }
  func decode(_ type: Int8.Type) throws -> Int8 { try place.integer() }
  func decode(_ type: Int16.Type) throws -> Int16 { try place.integer() }
  func decode(_ type: Int32.Type) throws -> Int32 { try place.integer() }
  func decode(_ type: Int64.Type) throws -> Int64 { try place.integer() }
  func decode(_ type: UInt.Type) throws -> UInt { try place.integer() }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try place.integer() }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try place.integer() }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try place.integer() }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try place.integer() }
  func decode<T: Decodable>(_ type: T.Type) throws -> T { try place.decode(type) }
}
