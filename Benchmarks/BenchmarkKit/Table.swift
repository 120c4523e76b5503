import Foundation

/// How a report is written.
package enum OutputFormat: String, Sendable, CaseIterable {
  case md, csv, json, jsonl
}

/// A row that can be written in every format.
package protocol TableRow: Encodable {
  /// For people, with units in the names and rounded values.
  static var header: [(name: String, isNumber: Bool)] { get }
  var cells: [String] { get }
}

/// Writes rows one by one as they are measured, except for `json`, which is one array at the end.
package struct TableWriter<Row: TableRow> {
  private let format: OutputFormat
  private let write: (String) -> Void
  private var rows: [Row] = []
  private var hasHeader = false

  package init(_ format: OutputFormat, write: @escaping (String) -> Void) {
    (self.format, self.write) = (format, write)
  }

  /// A line between tables; the next row begins a new one.
  package mutating func note(_ text: String) {
    write(rows.isEmpty ? "\(text)\n" : "\n\(text)\n")
    hasHeader = false
  }

  package mutating func add(_ row: Row) throws {
    switch format {
    case .md:
      if !hasHeader {
        write(Self.line(Row.header.map(\.name)))
        write("|" + Row.header.map { $0.isNumber ? "---:|" : "---|" }.joined())
        hasHeader = true
      }
      write(Self.line(row.cells))
    case .jsonl: write(try Self.encode(row, isPretty: false))
    case .csv:
      let fields = try Self.fields(row)
      if rows.isEmpty { write(fields.map(\.name).joined(separator: ",")) }
      write(fields.map { Self.quoted($0.value) }.joined(separator: ","))
    case .json: break
    }
    rows.append(row)
  }

  package func finish() throws {
    if format == .json { write(try Self.encode(rows, isPretty: true)) }
  }

  private static func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }

  private static func encode(_ value: some Encodable, isPretty: Bool) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = isPretty ? [.prettyPrinted, .sortedKeys] : [.sortedKeys]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// The JSON fields with a single value, sorted by name. Absent ones are empty: every row of a type has the same fields.
  private static func fields(_ row: Row) throws -> [(name: String, value: String)] {
    let object = try JSONSerialization.jsonObject(with: Data(encode(row, isPretty: false).utf8)) as? [String: Any] ?? [:]
    return names(of: row).map { name in
      switch object[name] {
      case let text as String: (name, text)
      case let number as NSNumber: (name, number.stringValue)
      default: (name, "")
      }
    }
  }

  /// The names of all stored properties that aren't arrays, in snake case, whether they hold a value or not.
  private static func names(of row: Row) -> [String] {
    Mirror(reflecting: row).children.compactMap { $0.value is [Double] ? nil : $0.label.map { snakeCase($0) } }.sorted()
  }

  private static func quoted(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0 == "\n" }) else { return text }
    return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}

private func snakeCase(_ name: String) -> String {
  name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
}

/// A number with as many decimals as make four digits or so.
package func rounded(_ value: Double) -> String { String(format: "%.\(decimals(value))f", value) }

/// A number ± its spread, with the number's decimals.
package func rounded(_ value: Double, spread: Double) -> String {
  rounded(value) + String(format: " ± %.\(decimals(value))f", spread)
}

private func decimals(_ value: Double) -> Int {
  switch abs(value) {
  case 1000...: 0
  case 100...: 1
  case 10...: 2
  case 1...: 3
  default: 5
  }
}
