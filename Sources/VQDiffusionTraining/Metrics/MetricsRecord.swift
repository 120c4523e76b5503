import Foundation

/// What was measured at one step of a run: named numbers in the order in which they are logged.
package struct MetricsRecord: Sendable {
  /// Steps of the optimiser done when the numbers were taken.
  package let step: Int
  /// The numbers, each name once.
  package let values: [(name: String, value: Double)]

  /// - Parameter values: Names are printable ASCII without quotes and backslashes, each once, none of them "step".
  package init(step: Int, values: [(name: String, value: Double)]) {
    precondition(values.allSatisfy { Self.isName($0.name) }, "names \(values.map(\.name)) aren't all names of metrics")
    precondition(Set(values.map(\.name)).count == values.count, "names \(values.map(\.name)) aren't each there once")
    self.step = step
    self.values = values
  }

  /// The value of that name; nil where the record has none.
  package subscript(name: String) -> Double? { values.first { $0.name == name }?.value }

  private static let stepKey = "step"

  /// Names need no escapes in JSON, so that the order of a line's names can be told by looking for them.
  private static func isName(_ name: String) -> Bool {
    !name.isEmpty && name != stepKey
      && name.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
  }
}

extension MetricsRecord: Equatable {
  /// Whether the same names have the same numbers, bit for bit, in the same order; not-a-number equals itself.
  package static func == (one: MetricsRecord, other: MetricsRecord) -> Bool {
    one.step == other.step
      && one.values.elementsEqual(other.values) {
        $0.name == $1.name && ($0.value.bitPattern == $1.value.bitPattern || $0.value.isNaN && $1.value.isNaN)
      }
  }
}

extension MetricsRecord {
  /// The record as one JSON object without line breaks; infinities and not-a-number, which JSON doesn't have, are null.
  ///
  /// Numbers have the fewest digits that read back as the same bits.
  var json: String {
    let members = values.map { "\"\($0.name)\":" + Self.json($0.value) }
    return "{" + (["\"\(Self.stepKey)\":\(step)"] + members).joined(separator: ",") + "}"
  }

  private static func json(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    let text = value.description
    // Of the integers only -0 keeps its fraction: "-0" would read back as the integer 0.
    return text.hasSuffix(".0") && text != "-0.0" ? String(text.dropLast(2)) : text
  }

  /// The record in `line`; null reads as not-a-number. Nil where the line isn't an object of numbers with a whole "step" and every
  /// name once.
  init?(json line: some Collection<UInt8>) {
    guard let members = try? JSONDecoder().decode(Members.self, from: Data(line)) else { return nil }
    // The strings of the line, every other part between its quotes, are its names.
    let parts = line.split(separator: UInt8(ascii: "\""), omittingEmptySubsequences: false)
    let names = parts.enumerated().filter { $0.offset % 2 == 1 }.map { String(decoding: $0.element, as: UTF8.self) }
    let values = names.compactMap { name in members.values[name].map { (name: name, value: $0) } }
    // More strings than members are a name that comes twice; a name that no member has is one with escapes.
    guard names.allSatisfy({ Self.isName($0) || $0 == Self.stepKey }), names.count == members.values.count + 1,
      values.count == members.values.count
    else { return nil }
    step = members.step
    self.values = values
  }

  /// A line's members; Foundation's decoder doesn't keep their order.
  private struct Members: Decodable {
    let step: Int
    let values: [String: Double]

    private struct Key: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
      let members = try decoder.container(keyedBy: Key.self)
      step = try members.decode(Int.self, forKey: Key(stringValue: stepKey))
      var values: [String: Double] = [:]
      for key in members.allKeys where key.stringValue != stepKey {
        values[key.stringValue] = try members.decodeIfPresent(Double.self, forKey: key) ?? .nan
      }
      self.values = values
    }
  }
}
