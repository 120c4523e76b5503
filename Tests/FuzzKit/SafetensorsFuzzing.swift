import Checkpoint
import Foundation

/// Safetensors files: a right header with some of its entries changed, and data to go with it.
struct SafetensorsFuzzing: FuzzTarget {
  let name = "safetensors"

  private let bytes = ByteMutation(
    words: ElementType.allCases.map(\.rawValue) + [
      "{", "}", "[", "]", ",", ":", "\"", "\\u0041", "\\ud83d\\ude00", "\\ud800", "\\u0000", "\\", "\"dtype\"", "\"shape\"",
      "\"data_offsets\"", "\"__metadata__\"", "{}", "[]", "9223372036854775807", "18446744073709551616", "0", "-1", "1e3", "1.5",
      "null", "true", "\u{e9}", "e\u{301}", "\u{7f}", " ", "\n",
    ])

  func mutant(_ random: inout FuzzRandom) -> [UInt8] {
    var header = SafetensorsText(&random)
    for _ in 0...random.below(3) { header.change(&random) }
    if random.once(in: 3) { header.fit() }
    var text = Array(header.text(&random).utf8)
    if random.once(in: 4) { bytes.apply(to: &text, &random) }
    var length = UInt64(text.count)
    if random.once(in: 32) { length = random.awkwardInteger() }
    var data = random.bytes(min(header.dataCount, 1 << 12))
    if random.once(in: 8) { bytes.apply(to: &data, &random) }
    var file = littleEndianBytes(length) + text + data
    if random.once(in: 16) { bytes.apply(to: &file, &random) }
    return file
  }

  func read(_ bytes: [UInt8], at url: URL) -> FuzzOutcome {
    do throws(CheckpointError) {
      let file = try SafetensorsFile(url)
      TensorReading.read(file)
      for entry in file.entries { precondition(entry.byteRange.upperBound <= bytes.count, "\(entry) beyond the file") }
      return .accepted
    } catch {
      switch error {
      case .truncated, .headerTooLarge, .badHeader(_, 0, _, _): return FuzzOutcome(error, isPastFirstCheck: false)
      default: return FuzzOutcome(error, isPastFirstCheck: true)
      }
    }
  }
}

/// A header's entries as text, so that any of it may be wrong.
private struct SafetensorsText {
  private struct Entry {
    var name: String
    var type: String
    var shape: [String]
    var begin: String
    var end: String
  }

  private var entries: [Entry] = []
  private var metadata: [(key: String, text: String)] = []

  /// Tensors side by side, of sizes up to some hundred elements.
  init(_ random: inout FuzzRandom) {
    for index in 0..<random.below(6) {
      let type = random.pick(ElementType.allCases)
      let shape = (0..<random.below(4)).map { _ in "\(random.below(8))" }
      entries.append(Entry(name: "layer.\(index).weight", type: type.rawValue, shape: shape, begin: "", end: ""))
    }
    for index in 0..<random.below(3) { metadata.append(("key \(index)", "text \\u00e9")) }
    fit()
  }

  /// Where the last tensor ends, as far as that is a number.
  var dataCount: Int { entries.compactMap { Int($0.end) }.max() ?? 0 }

  /// Gives each tensor whose size can be told its place behind the one before.
  mutating func fit() {
    var offset = 0
    for index in entries.indices {
      let entry = entries[index]
      guard let type = ElementType(rawValue: entry.type) else { continue }
      let size = entry.shape.compactMap(Int.init).reduce(type.size) { $0.multipliedReportingOverflow(by: $1).partialValue }
      entries[index].begin = "\(offset)"
      if size >= 0, size < 1 << 20 { offset += size }
      entries[index].end = "\(offset)"
    }
  }

  mutating func change(_ random: inout FuzzRandom) {
    guard !entries.isEmpty, !random.once(in: 8) else {
      if random.once(in: 2) { metadata.append(("key 0", "again")) }
      rearrange(&metadata, &random)
      return
    }
    let index = random.below(entries.count)
    switch random.below(8) {
    case 0: rearrange(&entries, most: 512, &random)
    case 1: entries[index].type = random.once(in: 8) ? "F128" : random.pick(ElementType.allCases).rawValue
    case 2, 3:
      if entries[index].shape.isEmpty { entries[index].shape.append("1") }
      entries[index].shape[random.below(entries[index].shape.count)] = number(&random)
    case 4: rearrange(&entries[index].shape, most: 64, &random)
    case 5: entries[index].begin = number(&random)
    case 6: entries[index].end = number(&random)
    default:
      entries[index].name = random.pick([
        "", "__metadata__", "layer.0.weight", "layer\\u002e0.weight", "\\ud83d\\ude00", "e\u{301}", "\u{e9}",
      ])
    }
  }

  private func number(_ random: inout FuzzRandom) -> String {
    random.once(in: 8) ? "\(Int64(bitPattern: random.awkwardInteger()))" : "\(random.awkwardInteger())"
  }

  func text(_ random: inout FuzzRandom) -> String {
    var members = entries.map {
      "\"\($0.name)\":{\"dtype\":\"\($0.type)\",\"shape\":[\($0.shape.joined(separator: ","))],\"data_offsets\":[\($0.begin),\($0.end)]}"
    }
    if !metadata.isEmpty {
      let texts = metadata.map { "\"\($0.key)\":\"\($0.text)\"" }.joined(separator: ",")
      members.insert("\"__metadata__\":{\(texts)}", at: random.place(in: members.count))
    }
    return "{" + members.joined(separator: random.once(in: 2) ? "," : " , ") + "}"
      + String(repeating: " ", count: random.below(9))
  }
}
