import CLIPText
import Foundation
import TestSupport
import Testing

/// Odd texts and the plain ones that they mean: both have the same ids where texts are repaired.
@Suite struct TextRepairTests {
  static let repaired = [
    ("&EACUTE;t&eacute;", "Été"), ("&amp;amp;lt;", "<"), ("&#128;5 &#x41;", "€5 A"), ("&hellip;", "…"),
    ("\u{93}q\u{94}", "\"q\""),
    ("\u{1C4} \u{FB03}x \u{149}a", "Dž ffix 'na"), ("\u{FF76}\u{FF9E}\u{3000}\u{FF21}", "\u{30AC} A"),
    ("\u{2019}tis \u{201F}", "'tis \""),
    ("\u{1B}[1;31mred\u{1B}[0m", "red"), ("be\u{7}ll\u{FEFF}", "bell"), ("e\u{323}\u{302}", "\u{1EC7}"),
  ]

  @Test(arguments: repaired) func repairedTextsAreThePlainOnes(odd: String, plain: String) throws {
    for variant in [CLIPTokenizer.Variant.reference, .huggingFaceRepaired] {
      let tokenizer = try TokenizerGoldenTests.tokenizer(variant)
      #expect(tokenizer.ids(of: odd) == tokenizer.ids(of: plain), "\(variant)")
    }
  }

  /// What only the reference replaces: references without a semicolon, and any of them in a text with "<".
  @Test(arguments: [("&notit;", "¬it;"), ("&copy 1", "© 1"), ("<&eacute;>", "<é>"), ("&#65", "A"), ("<&amp;lt;", "<<")])
  func htmlIsUnescapedByTheReference(odd: String, plain: String) throws {
    let reference = try TokenizerGoldenTests.tokenizer(.reference)
    #expect(reference.ids(of: odd) == reference.ids(of: plain))
    let repaired = try TokenizerGoldenTests.tokenizer(.huggingFaceRepaired)
    #expect(repaired.ids(of: odd) != repaired.ids(of: plain))
  }

  /// Unrepaired text keeps its quotes, ligatures and references, and loses its format characters.
  @Test func basicCleaningRepairsNothing() throws {
    let tokenizer = try TokenizerGoldenTests.tokenizer(.huggingFace)
    for (odd, plain) in [("\u{201C}q", "\"q"), ("\u{FB01}x", "fix"), ("&lt;", "<"), ("\u{FF21}", "A")] {
      #expect(tokenizer.ids(of: odd) != tokenizer.ids(of: plain))
    }
    for (odd, plain) in [("be\u{200B}ll\u{7}", "bell"), ("a\u{4E2D}b", "a \u{4E2D} b"), ("e\u{301}", "é"), ("a\u{FFFD}b", "ab")] {
      #expect(tokenizer.ids(of: odd) == tokenizer.ids(of: plain))
    }
  }

  @Test(arguments: CLIPTokenizer.Variant.allCases) func lowerCaseKnowsTheFinalSigma(variant: CLIPTokenizer.Variant) throws {
    let tokenizer = try TokenizerGoldenTests.tokenizer(variant)
    let texts = [("ΟΔΟΣ ΣΑ.", "οδος σα."), ("Σ", "σ"), ("ΑΣ\u{301}Α", "ασ\u{301}α"), ("İ", "i\u{307}")]
    for (capital, small) in texts {
      #expect(tokenizer.ids(of: capital) == tokenizer.ids(of: small), "\(capital)")
    }
  }
}
