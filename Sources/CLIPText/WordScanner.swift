/// Cuts a cleaned text into what CLIP's tokenizer merges separately: a special token, an English contraction (`'s 't 're 've 'm
/// 'll 'd`), a run of letters, one number, or a run of anything else but space.
struct WordScanner: Sequence, IteratorProtocol {
  enum Word: Equatable {
    case start
    case end
    case text(ArraySlice<Unicode.Scalar>)
  }

  private let text: [Unicode.Scalar]
  private var place = 0

  init(_ text: [Unicode.Scalar]) { self.text = text }

  mutating func next() -> Word? {
    while place < text.count, Kind(text[place]) == .space { place += 1 }
    guard place < text.count else { return nil }
    for (word, spelling) in Self.specials where text[place...].starts(with: spelling) {
      place += spelling.count
      return word
    }
    let start = place
    let kind = Kind(text[start])
    if let length = contractionLength() {
      place += length
    } else {
      place += 1
      if kind != .number {
        while place < text.count, Kind(text[place]) == kind { place += 1 }
      }
    }
    return .text(text[start..<place])
  }

  private static let specials: [(Word, [Unicode.Scalar])] = [
    (.start, Array(CLIPTokenizer.startToken.unicodeScalars)), (.end, Array(CLIPTokenizer.endToken.unicodeScalars)),
  ]

  private static let contractions: [[Unicode.Scalar]] = ["s", "t", "re", "ve", "m", "ll", "d"].map { Array($0.unicodeScalars) }

  /// The scalars of a contraction at `place`, apostrophe included. The long s counts as an s, as in the regular expression that
  /// this follows, which ignores case.
  private func contractionLength() -> Int? {
    guard text[place] == "'" else { return nil }
    let rest = text[(place + 1)...]
    if rest.first == "\u{17F}" { return 2 }
    return Self.contractions.first { rest.starts(with: $0) }.map { $0.count + 1 }
  }

  private enum Kind {
    case space, letter, number, other

    init(_ scalar: Unicode.Scalar) {
      let properties = scalar.properties
      switch properties.generalCategory {
      case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: self = .letter
      case .decimalNumber, .letterNumber, .otherNumber: self = .number
      default: self = properties.isWhitespace || (0x1C...0x1F).contains(scalar.value) ? .space : .other
      }
    }
  }
}
