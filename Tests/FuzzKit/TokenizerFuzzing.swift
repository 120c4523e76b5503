import CLIPText
import Foundation

/// A small vocabulary as CLIP's is made: byte characters, the same at a word's end, what the merges make, start and end.
private struct SmallVocabulary: Sendable {
  let tokens: [String]
  let merges: [String]

  init() {
    let printable = Array(33...126) + Array(161...172) + Array(174...255)
    let others = (0..<256).filter { !printable.contains($0) }.indices.map { 256 + $0 }
    let characters = (printable + others).compactMap { Unicode.Scalar($0).map(String.init) }
    let pairs = [
      ("t", "h"), ("th", "e</w>"), ("a", "n"), ("an", "d</w>"), ("o", "f</w>"), ("c", "a"), ("ca", "t</w>"), ("1", "2</w>"),
    ]
    merges = pairs.map { "\($0) \($1)" }
    tokens = characters + characters.map { $0 + "</w>" } + pairs.map { $0 + $1 } + ["<|startoftext|>", "<|endoftext|>"]
  }

  var json: String { "{" + tokens.enumerated().map { "\(Self.quoted($1)): \($0)" }.joined(separator: ", ") + "}" }

  var mergesText: String { "#version: 0.2\n" + merges.joined(separator: "\n") + "\n" }

  static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}

/// Encodes a text of many kinds of characters under a treatment that follows from the file's size; the ids must lie in the vocabulary.
private func encode(
  fileSize: Int, _ tokenizer: (CLIPTokenizer.Variant) throws(CLIPTextError) -> CLIPTokenizer
) throws(CLIPTextError) {
  let text = "The cat, and 12 &amp;lt; of the CAFÉ! 漢字 \u{1f600}\u{0} don't <|startoftext|> e\u{301}"
  let tokenizer = try tokenizer(CLIPTokenizer.Variant.allCases[fileSize % CLIPTokenizer.Variant.allCases.count])
  let ids = tokenizer.encode(text)
  precondition(ids.count == tokenizer.contextLength, "\(ids.count) ids")
  precondition(ids.allSatisfy { (0..<tokenizer.vocabularySize).contains(Int($0)) }, "an id beyond the vocabulary")
}

/// `vocab.json` with tokens, ids and structure changed, beside right merges.
struct VocabularyFuzzing: FuzzTarget {
  let name = "vocabulary"

  private let vocabulary = SmallVocabulary()
  private let merges: Data
  private let members: [String]
  private let bytes = ByteMutation(words: [
    "{", "}", "[", "]", ",", ":", "\"", "\\u0041", "\\ud800", "\\", "null", "true", "-1", "1e3", "1e400", "0.5",
    "9223372036854775808", "\u{e9}",
    "e\u{301}", "\u{fffe}", "\u{0}",
  ])

  init() {
    merges = Data(vocabulary.mergesText.utf8)
    members = vocabulary.tokens.enumerated().map { "\(SmallVocabulary.quoted($1)): \($0)" }
  }

  func mutant(_ random: inout FuzzRandom) -> [UInt8] {
    var members = members
    for _ in 0...random.below(2) { change(&members, &random) }
    var text = Array(("{" + members.joined(separator: ",") + "}").utf8)
    if random.once(in: 6) { bytes.apply(to: &text, &random) }
    if random.once(in: 64) {
      text = Array(String(repeating: random.pick(["[", "{\"a\":"]), count: random.below(5000)).utf8) + text
    }
    return text
  }

  func read(_ bytes: [UInt8], at url: URL) -> FuzzOutcome {
    do throws(CLIPTextError) {
      try encode(fileSize: bytes.count) { variant throws(CLIPTextError) in
        try CLIPTokenizer(vocabulary: Data(bytes), merges: merges, variant: variant)
      }
      return .accepted
    } catch {
      if case .badVocabulary(_, let expected, _) = error, expected.hasPrefix("a JSON object") {
        return FuzzOutcome(error, isPastFirstCheck: false)
      }
      return FuzzOutcome(error, isPastFirstCheck: true)
    }
  }

  private func change(_ members: inout [String], _ random: inout FuzzRandom) {
    guard !members.isEmpty else { return }
    let place = random.below(members.count)
    switch random.below(6) {
    case 0: rearrange(&members, &random)
    case 1: members[place] = "\"token\": \(Int64(bitPattern: random.awkwardInteger()))"
    case 2: members.append("\"\(random.pick(["", "\u{e9}", "e\u{301}", "a</w>", "\\ud83d\\ude00"]))\": \(members.count)")
    case 3:
      let other = random.below(members.count)
      let (left, right) = (members[place].split(separator: ": "), members[other].split(separator: ": "))
      guard left.count == 2, right.count == 2 else { return }
      (members[place], members[other]) = ("\(left[0]): \(right[1])", "\(right[0]): \(left[1])")
    case 4: members.append("\"\(String(repeating: "x", count: random.below(3000)))\": \(members.count)")
    default: members.shuffle(using: &random)
    }
  }
}

/// `merges.txt` with lines and tokens changed, alone or beside a right vocabulary.
struct MergesFuzzing: FuzzTarget {
  let name = "merges"

  private let vocabulary = SmallVocabulary()
  private let json: Data
  private let bytes = ByteMutation(words: [" ", "\n", "\r\n", "\t", "\u{a0}", "</w>", "#version", "a", "th", "\u{e9}", "\u{0}"])

  init() { json = Data(vocabulary.json.utf8) }

  func mutant(_ random: inout FuzzRandom) -> [UInt8] {
    var lines = vocabulary.merges.map { Array($0.utf8) }
    for _ in 0...random.below(3) {
      switch random.below(4) {
      case 0: rearrange(&lines, &random)
      case 1:
        let token = { (random: inout FuzzRandom) in random.pick(vocabulary.tokens) }
        lines.append(Array("\(token(&random)) \(token(&random))".utf8))
      case 2: if !lines.isEmpty { bytes.apply(to: &lines[random.below(lines.count)], &random) }
      default:
        // A merge of all that was merged before doubles the token's length.
        var token = "a"
        for _ in 0..<random.below(18) {
          lines.append(Array("\(token) \(token)".utf8))
          token += token
          if lines.reduce(0, { $0 + $1.count }) > 1 << 17 { break }
        }
      }
    }
    var file = random.once(in: 32) ? [] : Array("#version: 0.2\n".utf8)
    file += lines.joined(separator: random.once(in: 4) ? Array("\r\n".utf8) : [0x0a])
    if random.once(in: 16) { bytes.apply(to: &file, &random) }
    return file
  }

  func read(_ bytes: [UInt8], at url: URL) -> FuzzOutcome {
    let isAlone = (bytes.last ?? 0) % 2 == 0
    do throws(CLIPTextError) {
      try encode(fileSize: bytes.count) { variant throws(CLIPTextError) in
        isAlone
          ? try CLIPTokenizer(merges: url, variant: variant)
          : try CLIPTokenizer(vocabulary: json, merges: Data(bytes), variant: variant)
      }
      return .accepted
    } catch {
      if case .badMerge(_, 1, _, _) = error { return FuzzOutcome(error, isPastFirstCheck: false) }
      return FuzzOutcome(error, isPastFirstCheck: true)
    }
  }
}
