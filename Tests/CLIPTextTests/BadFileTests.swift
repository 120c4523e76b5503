import CLIPText
import Foundation
import TestSupport
import Testing

/// Files that aren't a tokenizer's are refused with their name and the place.
@Suite struct BadFileTests {
  private static let folder = fixtures.appendingPathComponent("hf/pipeline/tokenizer")

  private func tokens() throws -> [String: Int] {
    try JSONDecoder().decode([String: Int].self, from: Data(contentsOf: Self.folder.appendingPathComponent("vocab.json")))
  }

  private func merges() throws -> String {
    try String(contentsOf: Self.folder.appendingPathComponent("merges.txt"), encoding: .utf8)
  }

  private func error(vocabulary: Data, merges: Data) -> CLIPTextError? {
    #expect(throws: CLIPTextError.self) { try CLIPTokenizer(vocabulary: vocabulary, merges: merges) }
  }

  @Test(arguments: ["", "{", "[]", "7", "null", "{\"a\": \"b\"}", "{\"a\": 0.5}", "{\"a\": true}", "{\"a\": 1e30}", "\u{0}"])
  func vocabularyMustBeAnObjectOfIds(text: String) throws {
    let error = error(vocabulary: Data(text.utf8), merges: Data(try merges().utf8))
    guard case .badVocabulary("vocab.json", "a JSON object of tokens and their integer ids", _) = error else {
      Issue.record("found \(String(describing: error))")
      return
    }
    #expect(error?.description.hasPrefix("vocab.json: expected a JSON object") == true)
  }

  @Test func vocabularyMustBeUTF8() throws {
    let bytes = Data("{\"".utf8) + Data([0xFF, 0xFE, 0xC0]) + Data("\": 0}".utf8)
    let error = error(vocabulary: bytes, merges: Data(try merges().utf8))
    guard case .badVocabulary("vocab.json", _, _) = error else {
      Issue.record("found \(String(describing: error))")
      return
    }
  }

  @Test func idsMustBeContiguousAndDistinct() throws {
    func error(_ change: (inout [String: Int]) -> Void) throws -> CLIPTextError? {
      var tokens = try tokens()
      change(&tokens)
      return self.error(vocabulary: try JSONEncoder().encode(tokens), merges: Data(try merges().utf8))
    }
    func bad(_ expected: String, _ found: String) -> CLIPTextError {
      .badVocabulary(file: "vocab.json", expected: expected, found: found)
    }
    let count = try tokens().count
    #expect(try error { $0["!"] = -1 } == bad("ids from 0", "-1 for \"!\""))
    for id in [count, .max] {
      #expect(try error { $0["!"] = id } == bad("\(count) tokens to have the ids below that", "\(id) for \"!\""))
    }
    #expect(try error { $0["!"] = 1 } == bad("every id once", "1 for \"!\" and \"\"\""))
    #expect(
      try error { tokens in (tokens["<|x|>"], tokens["<|endoftext|>"]) = (tokens["<|endoftext|>"], nil) }
        == bad("the end token \"<|endoftext|>\"", "no such token"))
    #expect(
      try error { tokens in (tokens["<|x|>"], tokens["<|startoftext|>"]) = (tokens["<|startoftext|>"], nil) }
        == bad("the start token \"<|startoftext|>\"", "no such token"))
    #expect(
      try error { tokens in (tokens["<|x|>"], tokens["Ń</w>"]) = (tokens["Ń</w>"], nil) }
        == bad("the byte character \"Ń</w>\"", "no such token"))
  }

  @Test func mergesMustBeTwoKnownTokens() throws {
    let good = try merges().split(separator: "\n").map(String.init)
    func error(line: Int, _ text: String, vocabulary: Bool = true) throws -> CLIPTextError? {
      var lines = good
      lines[line - 1] = text
      let data = Data(lines.joined(separator: "\n").utf8)
      guard vocabulary else { return #expect(throws: CLIPTextError.self) { try CLIPTokenizer(merges: data) } }
      return self.error(vocabulary: try JSONEncoder().encode(tokens()), merges: data)
    }
    func bad(_ line: Int, _ expected: String, _ found: String) -> CLIPTextError {
      .badMerge(file: "merges.txt", line: line, expected: expected, found: found)
    }
    let parts = "two tokens with a space between"
    for vocabulary in [true, false] {
      #expect(try error(line: 7, "abc", vocabulary: vocabulary) == bad(7, parts, "\"abc\""))
      #expect(try error(line: 7, "", vocabulary: vocabulary) == bad(7, parts, "\"\""))
      #expect(try error(line: good.count, "a b c", vocabulary: vocabulary) == bad(good.count, parts, "\"a b c\""))
      #expect(try error(line: 1, "i n", vocabulary: vocabulary) == bad(1, "\"#version: …\"", "\"i n\""))
    }
    #expect(try error(line: 9, "q q") == bad(9, "tokens of the vocabulary", "\"qq\""))
    #expect(try error(line: 9, "日 q") == bad(9, "tokens of the vocabulary", "\"日\""))
    #expect(try error(line: 9, good[4]) == bad(9, "every merge once", "\"\(good[4])\" again"))
    #expect(try error(line: 9, "zzz q", vocabulary: false) == bad(9, "tokens made before", "\"zzz\""))
    #expect(
      try error(line: 9, good[4], vocabulary: false)
        == bad(9, "every token made once", "\"\(good[4].replacingOccurrences(of: " ", with: ""))\" again"))
    #expect(bad(9, parts, "\"\"").description == "merges.txt, line 9: expected \(parts), found \"\"")
  }

  @Test func mergesMustBeUTF8() throws {
    let data = Data("#version: 0.2\ni n\n".utf8) + Data([0xC3, 0x28])
    #expect(throws: CLIPTextError.badMerge(file: "merges.txt", line: 3, expected: "UTF-8", found: "other bytes")) {
      try CLIPTokenizer(merges: data)
    }
    #expect(throws: CLIPTextError.badMerge(file: "merges.txt", line: 1, expected: "\"#version: …\"", found: "an empty file")) {
      try CLIPTokenizer(merges: Data())
    }
  }

  /// CLIP's vocabulary has room for 48,894 merges; the lines behind them aren't looked at.
  @Test func mergesBeyondTheVocabularyAreNotRead() throws {
    let characters = [33...126, 161...172, 174...255].joined().compactMap { UnicodeScalar($0).map { String(Character($0)) } }
    let ends = characters + characters.map { $0 + "</w>" }
    let count = 48_894
    var lines = ["#version: 0.2"] + (0..<count).map { characters[$0 / ends.count] + " " + ends[$0 % ends.count] }
    let bad = Data([0x0A, 0xFF, 0x0A]) + Data(repeating: 0x0A, count: 1 << 20) + Data("a b c".utf8)
    #expect(try CLIPTokenizer(merges: Data(lines.joined(separator: "\n").utf8) + bad).vocabularySize == 49_408)
    lines.removeLast()
    #expect(throws: CLIPTextError.badMerge(file: "merges.txt", line: count + 1, expected: "UTF-8", found: "other bytes")) {
      try CLIPTokenizer(merges: Data(lines.joined(separator: "\n").utf8) + bad)
    }
  }

  @Test func aFileOfEmptyLinesIsEmpty() {
    #expect(throws: CLIPTextError.badMerge(file: "merges.txt", line: 1, expected: "\"#version: …\"", found: "an empty file")) {
      try CLIPTokenizer(merges: Data("\n \r\n".utf8) + Data(repeating: 0x0A, count: 1 << 20))
    }
  }

  /// As git writes them on Windows.
  @Test func lineEndsOfWindowsAreAccepted() throws {
    let text = try merges()
    let tokenizers = try [text, text.replacingOccurrences(of: "\n", with: "\r\n"), text + "\n\n"].map {
      try CLIPTokenizer(merges: Data($0.utf8))
    }
    for tokenizer in tokenizers {
      #expect(try tokenizer.vocabularySize == tokens().count)
      #expect(tokenizer.encode("in the end") == tokenizers[0].encode("in the end"))
    }
  }

  @Test func filesThatCantBeReadAreNamed() throws {
    try withTemporaryFolder { folder in
      let absent = folder.appendingPathComponent("absent.txt")
      #expect(throws: CLIPTextError.unreadable(file: absent.path, reason: "No such file or directory")) {
        try CLIPTokenizer(merges: absent)
      }
      #expect(throws: CLIPTextError.self) { try CLIPTokenizer(merges: folder) }
      let large = folder.appendingPathComponent("large.txt")
      #expect(FileManager.default.createFile(atPath: large.path, contents: nil))
      try FileHandle(forWritingTo: large).truncate(atOffset: 1 << 27)
      let error = #expect(throws: CLIPTextError.self) {
        try CLIPTokenizer(vocabulary: large, merges: Self.folder.appendingPathComponent("merges.txt"))
      }
      #expect(error == .unreadable(file: large.path, reason: "134217728 bytes, more than 67108864"))
    }
  }

  @Test(arguments: [-1, 0, 1, 1 << 20]) func contextLengthsAreBounded(length: Int) throws {
    let data = Data(try merges().utf8)
    #expect(throws: CLIPTextError.self) { try CLIPTokenizer(merges: data, contextLength: length) }
  }
}
