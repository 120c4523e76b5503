import Foundation
import ModelFiles

/// The public implementation's YAML files with lines, tokens and structure changed.
struct YAMLFuzzing: FuzzTarget {
  let name = "yaml"

  private let seeds: [[String]]
  private let bytes = ByteMutation(words: [
    ":", ": ", "- ", "? ", "[", "]", "{", "}", ",", "&a ", "*a", "!!python/tuple ", "!!int ", "!<tag:yaml.org,2002:str> ",
    "<<: *a", "|", ">",
    "'", "\"", "\\x00", "\\uD800", "#", "%YAML 1.1\n", "---\n", "...\n", "\t", "\n", "\r", "\u{85}", "\u{feff}", "~", "null",
    "true", ".inf",
    "1e999", "0x7fffffffffffffff", "9223372036854775808", "-1", "0", "1_000", "\u{0}",
  ])

  init() throws {
    seeds = try seedFiles(in: "checkpoints", ofType: "yaml").map {
      String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init)
    }
  }

  func mutant(_ random: inout FuzzRandom) -> [UInt8] {
    var lines = random.pick(seeds)
    for _ in 0...random.below(2) { change(&lines, &random) }
    var file = Array((lines.joined(separator: "\n") + "\n").utf8)
    if random.once(in: 12) { bytes.apply(to: &file, &random) }
    return file
  }

  func read(_ bytes: [UInt8], at url: URL) -> FuzzOutcome {
    do throws(ModelFileError) {
      let file = try YAMLConfiguration(contentsOf: url)
      do throws(ModelFileError) {
        _ = try MicrosoftConfiguration(file)
        return .accepted
      } catch {
        return FuzzOutcome(error, isPastFirstCheck: true)
      }
    } catch {
      return FuzzOutcome(error, isPastFirstCheck: false)
    }
  }

  private func change(_ lines: inout [String], _ random: inout FuzzRandom) {
    guard !lines.isEmpty else { return }
    let place = random.below(lines.count)
    switch random.below(24) {
    case 0: rearrange(&lines, most: 600, &random)
    case 1: lines[place] = String(repeating: " ", count: random.below(5)) + lines[place]
    case 2: lines[place].removeFirst(min(random.below(5), lines[place].prefix { $0 == " " }.count))
    case 3: changeWord(&lines[place], &random)
    case 4: lines = Self.laughs(&random) + lines
    case 5: lines.append("deep: " + Self.nested(&random))
    case 6:
      lines.append(
        random.pick([
          "a: &a [1, *a]", "? {b: 1}\n: 2", "? [a, b]\n: c", "<<: {model: 1}", "key: !!binary aGVsbG8=", "model: {}",
          "!!set {a, b}",
        ]))
    default: changeValue(&lines[place], &random)
    }
  }

  /// Another value behind a line's colon, or the value with an anchor or a tag.
  private func changeValue(_ line: inout String, _ random: inout FuzzRandom) {
    // Most lines that end with a colon are followed by what lies in them.
    guard !line.hasSuffix(":") || random.once(in: 4), let colon = line.firstIndex(of: ":") else {
      line += " #" + line
      return
    }
    let value = line[line.index(after: colon)...]
    line.removeSubrange(line.index(after: colon)...)
    switch random.below(4) {
    case 0: line += " \(Int64(bitPattern: random.awkwardInteger()))"
    case 1: line += random.pick([" &a", " &b !!map", " !!python/tuple", " !custom"]) + value
    case 2:
      line +=
        " "
        + random.pick([
          "null", "", "[]", "{}", "[1, 2]", "[9223372036854775807, 9223372036854775807]", "true", "1.5", ".nan", "'text'",
          "\"\\u263a\"", "*a", "selfcross", "self",
          "[[1], {a: 2}]", "0o17",
        ])
    default: line += " [" + (0..<random.below(6)).map { _ in "\(random.awkwardInteger())" }.joined(separator: ", ") + "]"
    }
  }

  private func changeWord(_ line: inout String, _ random: inout FuzzRandom) {
    var text = Array(line.utf8)
    bytes.apply(to: &text, &random)
    line = String(decoding: text, as: UTF8.self)
  }

  /// Aliases of aliases: each level names the one before some times over, as values or as keys.
  private static func laughs(_ random: inout FuzzRandom) -> [String] {
    let width = 2 + random.below(9)
    let form = random.below(3)
    var lines = ["l0: &l0 [lol]"]
    for level in 1..<2 + random.below(random.once(in: 3) ? 40 : 6) {
      let names = (0..<width).map { _ in "*l\(level - 1)" }
      let line =
        switch form {
        case 0: "l\(level): &l\(level) [\(names.joined(separator: ", "))]"
        case 1: "l\(level): &l\(level) {? *l\(level - 1) : 1, ? [*l\(level - 1), 1] : *l\(level - 1)}"
        default: "? &l\(level) [\(names.joined(separator: ", "))]\n: 1"
        }
      lines.append(line)
    }
    return lines
  }

  /// Lists or mappings one within another; not always closed.
  private static func nested(_ random: inout FuzzRandom) -> String {
    let depth = random.once(in: 8) ? 100_000 : 1 + random.below(2000)
    let (open, close) = random.pick([("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", ""), ("!t &a [", "]")])
    return String(repeating: open, count: depth) + (random.once(in: 2) ? "" : String(repeating: close, count: depth))
  }
}
