import Foundation

/// Unicode's normalisation form C: letters with their accents as one character where there is one.
enum Composition {
  /// Normalised in parts, since Foundation takes quadratic time for long texts with marks. Parts end where nothing composes
  /// across, except within a run of hundreds of marks, more than the 30 that Unicode's stream-safe format allows.
  static func composed(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    // Below the first combining mark nothing changes.
    guard text.contains(where: { $0.value >= 0x300 }) else { return text }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    var start = 0
    while start < text.count {
      var end = min(start + usualPart, text.count)
      while end < text.count, end - start < longestPart, mayCompose(text[end]) { end += 1 }
      result += String(String.UnicodeScalarView(text[start..<end])).precomposedStringWithCanonicalMapping.unicodeScalars
      start = end
    }
    return result
  }

  private static let usualPart = 64
  private static let longestPart = 320

  /// Whether a character may change places or become one with what precedes it: marks, the vowels and final consonants of
  /// Korean syllables, and the vowel signs of Kirat Rai.
  private static func mayCompose(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case ..<0x300: return false
    case 0x1100...0x11FF, 0x16D60...0x16D6F: return true
    default: break
    }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: return true
    default: return scalar.properties.canonicalCombiningClass != .notReordered
    }
  }
}
