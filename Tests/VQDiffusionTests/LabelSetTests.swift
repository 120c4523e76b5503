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
      guard case PipelineError.unknownLabel(text, _) = $0 else { return false }
      return true
    }
  }

  @Test func anUnknownNameListsTheNearOnes() {
    #expect(throws: PipelineError.unknownLabel("airplain", near: ["airplane"])) {
      try labels.index(of: "airplain", classes: 6)
    }
    #expect(throws: PipelineError.self) { try labels.index(of: "", classes: 6) }
  }

  @Test func nothingNearListsTheNearestAnyway() throws {
    let error = #expect(throws: PipelineError.self) { try labels.index(of: "zzzzzzzzzzzzzzzzzzzzzz", classes: 6) }
    guard case .unknownLabel(_, let near) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(near.count == 5)
  }

  @Test func severalMatchesAreAmbiguous() {
    #expect(throws: PipelineError.ambiguousLabel("a", matches: ["airplane", "automobile"])) {
      try labels.index(of: "a", classes: 6)
    }
    #expect(throws: PipelineError.ambiguousLabel("crane", matches: ["4 (crane)", "5 (crane)"])) {
      try labels.index(of: "crane", classes: 6)
    }
  }

  @Test func classesWithoutANameAreCalledByTheirIndex() {
    #expect(labels[0] == "airplane" && labels[6] == "6")
  }
}
