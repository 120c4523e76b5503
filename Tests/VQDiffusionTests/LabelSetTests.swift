import Foundation
import Testing
import VQDiffusion

@Suite struct LabelSetTests {
  private let labels = LabelSet(["airplane", "automobile", "tench, Tinca tinca", "Great White-Shark", "crane", "crane"])

  @Test(arguments: [
    ("airplane", 0), ("AIRPLANE", 0), (" air plane", 0), ("air", 0), ("au", 1), ("tench", 2), ("tench, Tinca tinca", 2),
    ("great_white shark", 3), ("3", 3), ("5", 5), ("6", 6), (" 7", 7),
  ]) func aNameAnIndexOrAStartIsUnderstood(text: String, index: Int) throws {
    #expect(try labels.index(of: text, classes: 8) == index)
  }

  @Test(arguments: ["8", "-1", "99999999999999999999"]) func anIndexOutOfRangeIsUnknown(text: String) {
    #expect { try labels.index(of: text, classes: 8) } throws: {
      guard case ModelFileError.unknownLabel(text, _) = $0 else { return false }
      return true
    }
  }

  @Test func anUnknownNameListsTheNearOnes() {
    #expect(throws: ModelFileError.unknownLabel("airplain", near: ["airplane"])) {
      try labels.index(of: "airplain", classes: 6)
    }
    #expect(throws: ModelFileError.self) { try labels.index(of: "", classes: 6) }
  }

  @Test func nothingNearListsTheNearestAnyway() throws {
    let error = #expect(throws: ModelFileError.self) { try labels.index(of: "zzzzzzzzzzzzzzzzzzzzzz", classes: 6) }
    guard case .unknownLabel(_, let near) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(near.count == 5)
  }

  @Test func severalMatchesAreAmbiguous() {
    #expect(throws: ModelFileError.ambiguousLabel("a", matches: ["airplane", "automobile"])) {
      try labels.index(of: "a", classes: 6)
    }
    #expect(throws: ModelFileError.ambiguousLabel("crane", matches: ["4 (crane)", "5 (crane)"])) {
      try labels.index(of: "crane", classes: 6)
    }
  }

  @Test func classesWithoutANameAreCalledByTheirIndex() {
    #expect(labels[0] == "airplane" && labels[6] == "6")
  }

  /// Two of them share a synonym, and one's synonym is another's name.
  private static let named = LabelSet(entries: [
    .init(name: "tabby", id: "n02123045", synonyms: ["tabby cat", "mouser"]), .init(name: "crane", synonyms: ["mouser"]),
    .init(name: "heron", synonyms: ["crane", ""]), .init(name: "plain"),
  ])

  @Test(arguments: [
    ("tabby", 0), ("n02123045", 0), ("Tabby-Cat", 0), ("tabby, tabby cat, mouser", 0), ("tabby tabby cat mouser", 0),
    ("tab", 0), ("crane", 1), ("her", 2), ("plain", 3),
  ]) func namesIdsAndSynonymsAreUnderstood(text: String, index: Int) throws {
    #expect(try Self.named.index(of: text, classes: 4) == index)
  }

  @Test func aSynonymThatClassesShareIsAmbiguous() {
    #expect(throws: ModelFileError.ambiguousLabel("mouser", matches: ["0 (tabby, n02123045)", "1 (crane)"])) {
      try Self.named.index(of: "mouser", classes: 4)
    }
  }

  @Test(arguments: ["", "mous", "n0212", "pla,in"]) func neitherNothingNorTheStartOfASynonymIsAClass(text: String) {
    #expect { try Self.named.index(of: text, classes: 4) } throws: {
      guard case ModelFileError.unknownLabel(text, _) = $0 else { return false }
      return true
    }
  }

  @Test func namesAndObjectsAreReadAndWritten() throws {
    let json = """
      [{"name": "tabby", "id": "n02123045", "synonyms": ["tabby cat"]}, "crane", {"name": "heron"}]
      """
    let labels = try JSONDecoder().decode(LabelSet.self, from: Data(json.utf8))
    #expect(
      labels.entries == [
        .init(name: "tabby", id: "n02123045", synonyms: ["tabby cat"]), .init(name: "crane"), .init(name: "heron"),
      ])
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let written = try encoder.encode(labels)
    #expect(
      String(decoding: written, as: UTF8.self)
        == #"[{"id":"n02123045","name":"tabby","synonyms":["tabby cat"]},"crane","heron"]"#)
    #expect(try JSONDecoder().decode(LabelSet.self, from: written) == labels)
  }
}
