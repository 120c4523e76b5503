/// A file name with a place for a number: `image-%03d.png`. `%%` stands for a percent sign.
struct NumberedPattern: Equatable {
  let prefix: String
  let suffix: String
  /// Digits, filled with zeros.
  let width: Int

  /// - Throws: `OutputError.badConversion` for anything after a percent sign but `d`, `0Nd` (N = 1…9) and `%`;
  ///   `.conversionCount` unless there is exactly one number.
  init(_ text: String) throws(OutputError) {
    var literals = [""]
    var widths: [Int] = []
    var rest = text[...]
    while let character = rest.popFirst() {
      guard character == "%" else {
        literals[literals.count - 1].append(character)
        continue
      }
      if rest.first == "%" {
        rest.removeFirst()
        literals[literals.count - 1].append("%")
      } else {
        widths.append(try Self.conversion(&rest, of: text))
        literals.append("")
      }
    }
    guard widths.count == 1 else { throw .conversionCount(pattern: text, found: widths.count) }
    (prefix, suffix, width) = (literals[0], literals[1], widths[0])
  }

  func name(_ number: Int) -> String { prefix + number.padded(to: width) + suffix }

  /// Reads what follows a percent sign and returns the width.
  private static func conversion(_ rest: inout Substring, of pattern: String) throws(OutputError) -> Int {
    let shown = "%" + rest.prefix(4)
    if rest.first == "d" {
      rest.removeFirst()
      return 1
    }
    let parts = Array(rest.prefix(3))
    guard parts.count == 3, parts[0] == "0", parts[2] == "d", let width = Int(String(parts[1])), width >= 1 else {
      throw .badConversion(pattern: pattern, found: shown)
    }
    rest.removeFirst(3)
    return width
  }
}

extension Int {
  /// Its digits, filled with zeros to `width`.
  func padded(to width: Int) -> String {
    let digits = String(self)
    return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
  }
}
