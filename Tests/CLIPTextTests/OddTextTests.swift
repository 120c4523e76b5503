import CLIPText
import Foundation
import TestSupport
import Testing

@Suite struct OddTextTests {
  /// Texts made to take long: every length in time, 77 ids whatever comes.
  static let heavy: [String] = {
    func repeated(_ text: String) -> String { String(repeating: text, count: (1 << 18) / text.utf8.count) }
    return [
      String(repeating: "a", count: 1 << 20), repeated("ab"), repeated("\u{0}"), repeated("!"), repeated(" "),
      repeated("e\u{301}"), repeated("\u{301}"),
      repeated("\u{323}\u{301}"), repeated("😀"), repeated("👨‍👩‍👧"), repeated("&"), repeated("&amp;"), "&" + repeated("amp;"),
      repeated("Σ"), repeated("Σ\u{301}"), repeated("\u{1B}["), repeated("&#38;#3"), repeated("日"), repeated("'s"),
      repeated("<|"),
      repeated("<|endoftext|>"), repeated("ﬁ"), repeated("9"), repeated("\u{FFFD}"), repeated("the quick brown fox "),
    ]
  }()

  @Test(arguments: heavy.indices) func endsInTime(index: Int) throws {
    for variant in CLIPTokenizer.Variant.allCases {
      let tokenizer = try TokenizerGoldenTests.tokenizer(variant)
      let encoding = tokenizer.encoding(of: Self.heavy[index])
      #expect(encoding.ids.count == 77 && (2...77).contains(encoding.count))
      #expect(encoding.ids.allSatisfy { (0..<49_408).contains($0) })
    }
  }

  @Test(arguments: [
    "", " ", "\u{0}", "\u{200B}", "\u{301}", "\u{10FFFF}", "\u{FFFD}", "\u{FEFF}", "\r\n", "&#0;", "&#xD800;", "&", "'",
  ])
  func anyTextHasStartAndEnd(text: String) throws {
    for variant in CLIPTokenizer.Variant.allCases {
      let ids = try TokenizerGoldenTests.tokenizer(variant).ids(of: text)
      #expect(ids.first == 49_406 && ids.last == 49_407)
    }
  }

  @Test(arguments: [2, 3, 5, 76, 78]) func contextLengthIsKept(length: Int) throws {
    let merges = try TokenizerGoldenTests.merges.get()
    for variant in [CLIPTokenizer.Variant.reference, .huggingFace] {
      let tokenizer = try CLIPTokenizer(merges: merges, variant: variant, contextLength: length)
      for words in 0...80 {
        let text = Array(repeating: "the", count: words).joined(separator: " ")
        let all: [Int32] = [49_406] + Array(repeating: 518, count: words) + [49_407]
        let encoding = tokenizer.encoding(of: text)
        let kept = min(all.count, length)
        var expected = all.prefix(length) + Array(repeating: 0, count: length - kept)
        if words + 2 > length, variant == .reference { expected[length - 1] = 49_407 }
        #expect(encoding.ids == Array(expected) && encoding.count == kept && encoding.isCut == (words + 2 > length))
      }
    }
  }
}
