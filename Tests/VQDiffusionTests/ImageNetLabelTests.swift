import Foundation
import Testing
import VQDiffusion

@Suite struct ImageNetLabelTests {
  private let labels: LabelSet

  init() throws { labels = try LabelSet.imageNet() }

  private func index(_ text: String) throws -> Int { try labels.index(of: text, classes: 1000) }

  @Test func thereAreAThousandClassesInTheOrderOfTheirIds() throws {
    #expect(labels.entries.count == 1000 && labels.names.count == 1000)
    let ids = labels.entries.compactMap(\.id)
    #expect(ids.count == 1000 && zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 })
    #expect(ids.allSatisfy { $0.wholeMatch(of: /n[0-9]{8}/) != nil })
    for entry in labels.entries {
      let names = [entry.name] + entry.synonyms
      #expect(names.allSatisfy { !$0.isEmpty && $0 == $0.trimmingCharacters(in: .whitespacesAndNewlines) })
      #expect(Set(names).count == names.count, "\(names)")
    }
  }

  @Test(arguments: [
    (0, "n01440764", "tench"), (281, "n02123045", "tabby"), (388, "n02510455", "giant panda"), (734, "n03977966", "police van"),
    (999, "n15075141", "toilet tissue"),
  ]) func classesStandAtTheirIndices(index: Int, id: String, name: String) {
    #expect(labels[index] == name && labels.entries[index].id == id)
  }

  @Test func everyClassIsFoundByItsIndexAndId() throws {
    for (index, entry) in labels.entries.enumerated() {
      #expect(try self.index("\(index)") == index)
      #expect(try self.index(#require(entry.id)) == index)
    }
  }

  @Test func everyNameIsItsClassUnlessClassesShareIt() throws {
    let shared = Dictionary(grouping: labels.names.indices) { labels[$0].lowercased() }.filter { $0.value.count > 1 }
    #expect(shared == ["crane": [134, 517], "cardigan": [264, 474], "maillot": [638, 639]])
    for (index, name) in labels.names.enumerated() where shared[name.lowercased()] == nil {
      #expect(try self.index(name) == index)
    }
  }

  @Test(arguments: [
    ("tabby", 281), ("Tabby Cat", 281), ("n02123045", 281), ("N02123045", 281), ("281", 281), ("tabby, tabby cat", 281),
    ("Felis_concolor", 286), ("tench, Tinca tinca", 0), ("crane bird", 134), ("tank suit", 639), ("maillot, tank suit", 639),
    ("maillot tank suit", 639),
  ]) func aSynonymAnIdOrAWholeEntryIsUnderstood(text: String, index: Int) throws {
    #expect(try self.index(text) == index)
  }

  @Test(arguments: [("tiger", 292), ("tiger cat", 282), ("tiger b", 300), ("egyptian", 285)])
  func aWholeNameBeatsAStart(text: String, index: Int) throws {
    #expect(try self.index(text) == index)
  }

  /// Each is also a synonym of another class.
  @Test(arguments: [("missile", 657), ("gong", 577), ("harp", 594)])
  func aNameBeatsASynonym(text: String, index: Int) throws {
    #expect(labels.entries.indices.contains { $0 != index && labels.entries[$0].synonyms.contains(text) })
    #expect(try self.index(text) == index)
  }

  @Test func aSharedNameIsAmbiguous() {
    for (text, matches) in [
      ("crane", ["134 (crane, crane bird, n02012849)", "517 (crane, n03126707)"]),
      ("maillot", ["638 (maillot, n03710637)", "639 (maillot, tank suit, n03710721)"]),
      ("panda", ["387 (lesser panda, n02509815)", "388 (giant panda, n02510455)"]),
      ("tig", ["tiger shark", "tiger cat", "tiger", "tiger beetle"]),
      ("cran", ["134 (crane, n02012849)", "517 (crane, n03126707)"]),
    ] {
      #expect(throws: ModelFileError.ambiguousLabel(text, matches: matches)) { try index(text) }
    }
  }

  @Test func aMisspeltSynonymIsNearItsOwn() throws {
    let error = #expect(throws: ModelFileError.self) { try index("tinca tinka") }
    guard case .unknownLabel("tinca tinka", let near) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(near.first == "Tinca tinca" && Set(near).count == near.count)
  }

  @Test(arguments: ["1000", "n99999999", "n0212304", ""]) func whatIsNoClassIsUnknown(text: String) {
    #expect { try index(text) } throws: {
      guard case ModelFileError.unknownLabel(text, _) = $0 else { return false }
      return true
    }
  }
}
