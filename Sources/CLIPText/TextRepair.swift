import Foundation

/// Repairs of text that has suffered in transport, as the library ftfy makes them, which CLIP's training texts went through.
///
/// Covered: HTML references with semicolon unless the text has a `<` (see `HTMLEntities`); controls 0x80…0x9F read as
/// Windows-1252; Latin ligatures and digraphs taken apart; full-width and half-width forms; curly quotes made straight; terminal
/// colour codes and control characters removed; NFC.
///
/// Not covered: mojibake (text decoded from the wrong encoding, `Ã©` for `é`) stays as it is, because telling it from odd but
/// correct text takes statistics over many encodings. Line breaks of all kinds are left, since the tokenizer turns them into
/// spaces.
enum TextRepair {
  /// Repairs until nothing changes, which for all but contrived texts (references escaped many times over) takes two passes.
  static func repaired(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    let isHTML = text.contains("<")
    var current = text
    for _ in 0..<mostPasses {
      let next = pass(current, unescapes: !isHTML)
      if next == current { break }
      current = next
    }
    return current
  }

  private static let mostPasses = 8

  private static func pass(_ text: [Unicode.Scalar], unescapes: Bool) -> [Unicode.Scalar] {
    let unescaped = unescapes ? HTMLEntities.unescape(text, .unambiguous) : text
    var replaced: [Unicode.Scalar] = []
    replaced.reserveCapacity(unescaped.count)
    for scalar in unescaped {
      if scalar.isASCII {
        replaced.append(scalar)
      } else if let replacement = replacement(of: scalar) {
        replaced += replacement
      } else {
        replaced.append(scalar)
      }
    }
    return Composition.composed(withoutTerminalCodes(replaced).filter { !isRemoved($0) })
  }

  private static func replacement(of scalar: Unicode.Scalar) -> [Unicode.Scalar]? {
    switch scalar.value {
    case 0x80...0x9F: [HTMLEntities.windows1252(Int(scalar.value))]
    case 0x2BC, 0x2018...0x201B: ["'"]
    case 0x201C...0x201F: ["\""]
    case 0x3000: [" "]
    case 0xFF01...0xFFEF: Array(String(scalar).precomposedStringWithCompatibilityMapping.unicodeScalars)
    default: ligatures[scalar]
    }
  }

  private static let ligatures: [Unicode.Scalar: [Unicode.Scalar]] = [
    "\u{132}": ["I", "J"], "\u{133}": ["i", "j"], "\u{149}": ["\u{2BC}", "n"],
    "\u{1C4}": ["D", "\u{17D}"], "\u{1C5}": ["D", "\u{17E}"], "\u{1C6}": ["d", "\u{17E}"],
    "\u{1C7}": ["L", "J"], "\u{1C8}": ["L", "j"], "\u{1C9}": ["l", "j"],
    "\u{1CA}": ["N", "J"], "\u{1CB}": ["N", "j"], "\u{1CC}": ["n", "j"],
    "\u{1F1}": ["D", "Z"], "\u{1F2}": ["D", "z"], "\u{1F3}": ["d", "z"],
    "\u{FB00}": ["f", "f"], "\u{FB01}": ["f", "i"], "\u{FB02}": ["f", "l"], "\u{FB03}": ["f", "f", "i"],
    "\u{FB04}": ["f", "f", "l"], "\u{FB05}": ["\u{17F}", "t"], "\u{FB06}": ["s", "t"],
  ]

  /// Without ESC [ numbers and semicolons, letter.
  private static func withoutTerminalCodes(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard text.contains("\u{1B}") else { return text }
    var result: [Unicode.Scalar] = []
    var place = 0
    while place < text.count {
      if text[place] == "\u{1B}", let end = endOfTerminalCode(text, from: place) {
        place = end
      } else {
        result.append(text[place])
        place += 1
      }
    }
    return result
  }

  private static func endOfTerminalCode(_ text: [Unicode.Scalar], from start: Int) -> Int? {
    guard start + 1 < text.count, text[start + 1] == "[" else { return nil }
    var place = start + 2
    while place < text.count, ("0"..."9").contains(text[place]) || text[place] == ";" { place += 1 }
    guard place < text.count, ("a"..."z").contains(text[place]) || ("A"..."Z").contains(text[place]) else { return nil }
    return place + 1
  }

  private static func isRemoved(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0...0x8, 0xB, 0xE...0x1F, 0x7F, 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFC: true
    default: false
    }
  }
}
