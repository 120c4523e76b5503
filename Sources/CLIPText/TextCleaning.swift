/// How a text is prepared before it is cut into words.
enum TextCleaning {
  /// As the public implementation of CLIP does: repaired (see `TextRepair`), HTML references replaced twice, lower case.
  static func reference(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    let repaired = TextRepair.repaired(text)
    return lowercased(HTMLEntities.unescape(HTMLEntities.unescape(repaired, .html5), .html5))
  }

  /// As Hugging Face's tokenizer does where ftfy is installed: repaired, lower case.
  static func repaired(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] { lowercased(TextRepair.repaired(text)) }

  /// As Hugging Face's tokenizer does without ftfy: control, format, private and unassigned characters dropped, spaces around
  /// Chinese characters, NFC, lower case.
  static func basic(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var cleaned: [Unicode.Scalar] = []
    cleaned.reserveCapacity(text.count)
    for scalar in text {
      if scalar == "\t" || scalar == "\n" || scalar == "\r" {
        cleaned.append(" ")
      } else if isChinese(scalar) {
        cleaned += [" ", scalar, " "]
      } else if !isDropped(scalar) {
        cleaned.append(scalar)
      }
    }
    return lowercased(Composition.composed(cleaned))
  }

  private static func isDropped(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned: true
    default: scalar == "\u{FFFD}"
    }
  }

  /// The blocks of ideographs, without Japanese kana and Korean syllables.
  private static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2CEAF, 0x2F800...0x2FA1F: true
    default: false
    }
  }

  /// Unicode's full lower case, with ς instead of σ at the end of a word, which Swift's own leaves out.
  static func lowercased(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    for (place, scalar) in text.enumerated() {
      switch scalar {
      case "A"..."Z": result.append(Unicode.Scalar(UInt8(scalar.value) + 32))
      case _ where scalar.isASCII: result.append(scalar)
      case "\u{3A3}": result.append(endsWord(text, at: place) ? "\u{3C2}" : "\u{3C3}")
      default: result += scalar.properties.lowercaseMapping.unicodeScalars
      }
    }
    return result
  }

  /// Unicode's Final_Sigma: a cased letter before and none after, whatever marks lie between.
  private static func endsWord(_ text: [Unicode.Scalar], at place: Int) -> Bool {
    let before = text[..<place].last { !$0.properties.isCaseIgnorable }
    let after = text[(place + 1)...].first { !$0.properties.isCaseIgnorable }
    return before?.properties.isCased == true && after?.properties.isCased != true
  }
}
