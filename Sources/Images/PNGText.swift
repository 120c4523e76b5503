/// A keyword and its text as a PNG file stores them, such as "Software" or the seed that an image came from.
public struct PNGText: Sendable, Equatable {
  public let keyword: String
  public let text: String

  public init(_ keyword: String, _ text: String) {
    self.keyword = keyword
    self.text = text
  }

  /// The texts in a PNG file's bytes, in the order of the file.
  ///
  /// Reads the uncompressed kinds, tEXt and iTXt, which this library writes; zTXt and compressed iTXt are left out, and so is
  /// an iTXt chunk's language and translated keyword.
  ///
  /// - Parameter file: What messages call the bytes.
  /// - Throws: `ImageError.notPNG`, `ImageError.corrupt`.
  public static func textChunks(of png: [UInt8], file: String = "in memory") throws(ImageError) -> [PNGText] {
    var texts: [PNGText] = []
    for chunk in try PNGContainer(png, file: file).chunks {
      if let text = PNGText(chunk) { texts.append(text) }
    }
    return texts
  }
}

extension PNGText {
  /// tEXt is Latin-1 (ISO/IEC 15948, 11.3.4.3), iTXt is UTF-8 (11.3.4.5).
  package init?(_ chunk: PNGContainer.Chunk) {
    let fields = chunk.body.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    guard fields.count == 2 else { return nil }
    switch chunk.type {
    case "tEXt":
      self.init(Self.latin1(fields[0]), Self.latin1(fields[1]))
    case "iTXt":
      // compression flag, compression method, language, 0, translated keyword, 0, text
      let rest = fields[1].dropFirst(2).split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
      guard fields[1].first == 0, rest.count == 3 else { return nil }
      self.init(Self.latin1(fields[0]), String(decoding: rest[2], as: UTF8.self))
    default:
      return nil
    }
  }

  /// The chunk that stores this text: tEXt where Latin-1 can express it, otherwise iTXt.
  ///
  /// - Throws: `ImageError.invalidText` for a keyword that isn't 1–79 printable Latin-1 characters without leading, trailing or
  ///   doubled spaces, and for a text with a NUL character.
  func chunk() throws(ImageError) -> [UInt8] {
    guard let keywordBytes = Self.latin1(keyword), (1...79).contains(keywordBytes.count),
      keywordBytes.allSatisfy({ (32...126).contains($0) || $0 >= 161 }),
      !keyword.hasPrefix(" "), !keyword.hasSuffix(" "), !keyword.contains("  ")
    else {
      throw .invalidText(
        keyword: keyword,
        reason: "expected a keyword of 1–79 printable Latin-1 characters without leading, trailing or doubled spaces")
    }
    guard !text.unicodeScalars.contains("\0") else {
      throw .invalidText(keyword: keyword, reason: "expected a text without NUL characters")
    }
    if let textBytes = Self.latin1(text) {
      return PNGContainer.encode(type: "tEXt", body: keywordBytes + [0] + textBytes)
    }
    return PNGContainer.encode(type: "iTXt", body: keywordBytes + [0, 0, 0, 0, 0] + Array(text.utf8))
  }

  private static func latin1(_ bytes: ArraySlice<UInt8>) -> String {
    String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  }

  /// Nothing if a character is outside Latin-1.
  private static func latin1(_ string: String) -> [UInt8]? {
    let bytes = string.unicodeScalars.compactMap { UInt8(exactly: $0.value) }
    return bytes.count == string.unicodeScalars.count ? bytes : nil
  }
}
