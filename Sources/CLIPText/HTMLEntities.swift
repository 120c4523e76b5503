/// HTML's character references: those by number (`&#233;`, `&#xE9;`) and HTML 4's 252 names with their later spellings `&apos;`,
/// `&AMP;`, `&COPY;`, `&GT;`, `&LT;`, `&QUOT;`, `&REG;`. The other 1,900 names of HTML 5 aren't known.
enum HTMLEntities {
  /// Which references are meant as such.
  enum Rule {
    /// The standard's: the semicolon may be missing after numbers and after the oldest names, even within a word (`&notit` is
    /// `¬it`).
    case html5
    /// For text that may not be HTML: only with a semicolon; names in capitals too (`&EACUTE;` is É).
    case unambiguous
  }

  /// The text with every reference replaced by what it stands for, once: what appears by that is left alone.
  static func unescape(_ text: [Unicode.Scalar], _ rule: Rule) -> [Unicode.Scalar] {
    guard text.contains("&") else { return text }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    var place = 0
    while place < text.count {
      if text[place] == "&", let (replacement, end) = reference(text, after: place + 1, rule) {
        result += replacement
        place = end
      } else {
        result.append(text[place])
        place += 1
      }
    }
    return result
  }

  private static func reference(
    _ text: [Unicode.Scalar], after start: Int, _ rule: Rule
  ) -> (replacement: [Unicode.Scalar], end: Int)? {
    guard start < text.count else { return nil }
    return text[start] == "#" ? numbered(text, after: start + 1, rule) : named(text, from: start, rule)
  }

  // MARK: Numbers

  private static func numbered(
    _ text: [Unicode.Scalar], after start: Int, _ rule: Rule
  ) -> (replacement: [Unicode.Scalar], end: Int)? {
    let isHexadecimal = start < text.count && (text[start] == "x" || text[start] == "X")
    let (first, radix) = isHexadecimal ? (start + 1, 16) : (start, 10)
    var (code, place) = (0, first)
    while place < text.count, let digit = text[place].digit(radix: radix) {
      // Stays beyond Unicode once it is there.
      code = min(code * radix + digit, 0x110000)
      place += 1
    }
    guard place > first else { return nil }
    let endsWell = place < text.count && text[place] == ";"
    guard endsWell || rule == .html5 else { return nil }
    return (character(code).map { [$0] } ?? [], endsWell ? place + 1 : place)
  }

  /// What HTML 5 makes of a number: 0x80…0x9F mean Windows' characters, other controls and what is no character nothing.
  private static func character(_ code: Int) -> Unicode.Scalar? {
    if (0x80...0x9F).contains(code) { return windows1252(code) }
    guard code != 0, let scalar = Unicode.Scalar(UInt32(code)) else { return "\u{FFFD}" }
    switch code {
    case 0x1...0x8, 0xB, 0xE...0x1F, 0x7F, 0xFDD0...0xFDEF: return nil
    case _ where code & 0xFFFE == 0xFFFE: return nil
    default: return scalar
    }
  }

  /// What Windows-1252 has at 0x80…0x9F, where Unicode has control characters; itself where Windows has nothing.
  static func windows1252(_ code: Int) -> Unicode.Scalar {
    let table: [UInt16] = [
      0x20AC, 0x81, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152, 0x8D, 0x17D, 0x8F,
      0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A, 0x153, 0x9D, 0x17E, 0x178,
    ]
    return Unicode.Scalar(table[code - 0x80]) ?? "\u{FFFD}"
  }

  // MARK: Names

  private static func named(
    _ text: [Unicode.Scalar], from start: Int, _ rule: Rule
  ) -> (replacement: [Unicode.Scalar], end: Int)? {
    var end = start
    while end < text.count, end - start < longestName, text[end].isASCIIAlphanumeric { end += 1 }
    let name = String(String.UnicodeScalarView(text[start..<end]))
    if end < text.count, text[end] == ";" {
      if let scalar = names[name] { return ([scalar], end + 1) }
      if rule == .unambiguous, name == name.uppercased(), let scalar = names[name.lowercased()] {
        return (Array(scalar.properties.uppercaseMapping.unicodeScalars), end + 1)
      }
    }
    guard rule == .html5 else { return nil }
    for length in stride(from: name.utf8.count, to: 1, by: -1) {
      let beginning = String(name.prefix(length))
      if namesWithoutSemicolon.contains(beginning), let scalar = names[beginning] { return ([scalar], start + length) }
    }
    return nil
  }

  private static let longestName = 8

  /// Names of U+00A0…U+00FF, in order.
  private static let latin1Names = """
    nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para
    middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute
    Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml
    Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml
    eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml
    """

  /// Code points in base 16, each followed by the names of the characters from there on.
  private static let otherNames = """
    22 quot 22 QUOT 26 amp 26 AMP 27 apos 3C lt 3C LT 3E gt 3E GT 0A9 COPY 0AE REG
    152 OElig oelig 160 Scaron scaron 178 Yuml 192 fnof 2C6 circ 2DC tilde 391 Alpha Beta Gamma
    Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho 3A3 Sigma Tau Upsilon Phi Chi Psi Omega 3B1 alpha
    beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi
    omega 3D1 thetasym upsih 3D6 piv 2002 ensp emsp 2009 thinsp 200C zwnj zwj lrm rlm 2013 ndash mdash 2018 lsquo rsquo sbquo
    201C ldquo rdquo bdquo 2020 dagger Dagger bull 2026 hellip 2030 permil 2032 prime Prime 2039 lsaquo rsaquo 203E oline 2044
    frasl 20AC euro 2111 image 2118 weierp 211C real 2122 trade 2135 alefsym 2190 larr uarr rarr darr harr 21B5 crarr 21D0
    lArr uArr rArr dArr hArr 2200 forall 2202 part exist 2205 empty 2207 nabla isin notin 220B ni 220F prod 2211 sum minus
    2217 lowast 221A radic 221D prop infin 2220 ang 2227 and or cap cup int 2234 there4 223C sim 2245 cong 2248 asymp 2260 ne
    equiv 2264 le ge 2282 sub sup nsub 2286 sube supe 2295 oplus 2297 otimes 22A5 perp 22C5 sdot 2308 lceil rceil lfloor
    rfloor 25CA loz 2660 spades 2663 clubs 2665 hearts diams 27E8 lang rang
    """

  private static let names: [String: Unicode.Scalar] = {
    var names: [String: Unicode.Scalar] = [:]
    var code: UInt32 = 0xA0
    for word in (latin1Names + " " + otherNames).split(whereSeparator: \.isWhitespace) {
      if word.first?.isNumber == true, let start = UInt32(word, radix: 16) {
        code = start
      } else {
        names[String(word)] = Unicode.Scalar(code)
        code += 1
      }
    }
    return names
  }()

  private static let namesWithoutSemicolon = Set(
    latin1Names.split(whereSeparator: \.isWhitespace).map(String.init)
      + ["quot", "QUOT", "amp", "AMP", "lt", "LT", "gt", "GT", "COPY", "REG"])
}

extension Unicode.Scalar {
  fileprivate func digit(radix: Int) -> Int? { isASCII ? Character(self).hexDigitValue.flatMap { $0 < radix ? $0 : nil } : nil }

  fileprivate var isASCIIAlphanumeric: Bool {
    switch self {
    case "0"..."9", "A"..."Z", "a"..."z": true
    default: false
    }
  }
}
