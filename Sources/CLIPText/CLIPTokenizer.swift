import Foundation

/// CLIP's byte-pair tokenizer (Radford et al. 2021): texts to token ids.
package struct CLIPTokenizer: Sendable {
  /// Which implementation's treatment of texts is followed. They differ only for texts with "!", odd characters, HTML
  /// references or more than 75 tokens.
  package enum Variant: String, Codable, Sendable, CaseIterable {
    /// OpenAI's and Microsoft's, for Microsoft's checkpoints: text is repaired as by ftfy (see `TextRepair` for how far), HTML
    /// references are replaced twice. Of a text that is too long the beginning stays, and the end token is last.
    case reference
    /// Hugging Face's without ftfy, for folders of diffusers, of which ftfy is no dependency, so most users had this one:
    /// control characters are dropped, Chinese characters stand alone. Every "!" is the padding token, and a text that is too
    /// long loses its end token.
    case huggingFace = "hugging_face"
    /// Hugging Face's where ftfy is installed: as `huggingFace`, but with texts repaired as in `reference`.
    case huggingFaceRepaired = "hugging_face_repaired"
  }

  /// The token that fills up what a text leaves of the context.
  package enum Padding: String, Codable, Sendable, CaseIterable {
    /// Id 0, as VQ-Diffusion models have it; in Hugging Face's variants every "!" of a text is this token then.
    case exclamationMark = "!"
    /// The token that ends a text, as CLIP's own folders have it.
    case endToken = "<|endoftext|>"
  }

  /// A text's ids, start and end token included.
  package struct Encoding: Sendable, Equatable {
    /// `contextLength` ids, padded with that of `padding`.
    package let ids: [Int32]
    /// How many of them come from the text, start and end token included.
    package let count: Int
    /// Whether the text was too long, so that its end is missing.
    package let isCut: Bool
  }

  package static let startToken = "<|startoftext|>"
  package static let endToken = Padding.endToken.rawValue
  /// Id 0 in every vocabulary of CLIP's.
  package static let paddingToken = Padding.exclamationMark.rawValue

  package let variant: Variant
  package let padding: Padding
  /// Ids of each encoding.
  package let contextLength: Int
  private let vocabulary: BytePairVocabulary

  /// The tokenizer of Hugging Face's two files.
  ///
  /// - Parameters:
  ///   - vocabulary: `vocab.json`, a JSON object of tokens and ids.
  ///   - merges: `merges.txt`, a line with the version, then two tokens a line.
  /// - Throws: `CLIPTextError.unreadable`, `.badVocabulary`, `.badMerge`, `.invalidConfiguration`.
  package init(
    vocabulary: URL, merges: URL, variant: Variant = .huggingFace, padding: Padding = .exclamationMark, contextLength: Int = 77
  ) throws(CLIPTextError) {
    let (vocabulary, merges) = (try VocabularyFile(vocabulary), try VocabularyFile(merges))
    try self.init(
      BytePairVocabulary(vocabulary: vocabulary, merges: merges), variant: variant, padding: padding,
      contextLength: contextLength)
  }

  /// The tokenizer of `merges.txt` or OpenAI's `bpe_simple_vocab_16e6.txt` alone, from which CLIP's vocabulary of up to 49,408
  /// tokens follows: byte characters, the same at the end of a word, what the first 48,894 merges make, start and end token.
  ///
  /// - Throws: `CLIPTextError.unreadable`, `.badMerge`, `.invalidConfiguration`.
  package init(
    merges: URL, variant: Variant = .reference, padding: Padding = .exclamationMark, contextLength: Int = 77
  ) throws(CLIPTextError) {
    try self.init(
      BytePairVocabulary(merges: try VocabularyFile(merges)), variant: variant, padding: padding,
      contextLength: contextLength)
  }

  /// As `init(vocabulary:merges:)` for the files' contents.
  package init(
    vocabulary: Data, merges: Data, variant: Variant = .huggingFace, padding: Padding = .exclamationMark,
    contextLength: Int = 77
  ) throws(CLIPTextError) {
    try self.init(
      BytePairVocabulary(
        vocabulary: VocabularyFile(name: "vocab.json", data: vocabulary),
        merges: VocabularyFile(name: "merges.txt", data: merges)),
      variant: variant, padding: padding, contextLength: contextLength)
  }

  /// As `init(merges:)` for the file's contents.
  package init(
    merges: Data, variant: Variant = .reference, padding: Padding = .exclamationMark, contextLength: Int = 77
  ) throws(CLIPTextError) {
    try self.init(
      BytePairVocabulary(merges: VocabularyFile(name: "merges.txt", data: merges)), variant: variant, padding: padding,
      contextLength: contextLength)
  }

  private init(
    _ vocabulary: BytePairVocabulary, variant: Variant, padding: Padding, contextLength: Int
  ) throws(CLIPTextError) {
    guard (2...CLIPTextConfiguration.longestContext).contains(contextLength) else {
      throw .invalidConfiguration(
        field: "context length", expected: "2...\(CLIPTextConfiguration.longestContext)", found: "\(contextLength)")
    }
    self.vocabulary = vocabulary
    self.variant = variant
    self.padding = padding
    self.contextLength = contextLength
  }

  /// The number of tokens, all special ones included; ids lie below.
  package var vocabularySize: Int { vocabulary.count }

  /// A text's `contextLength` ids: start token, text, end token, padding.
  package func encode(_ text: String) -> [Int32] { encoding(of: text).ids }

  /// The same, and how much of it is text.
  package func encoding(of text: String) -> Encoding {
    var ids = ids(of: text, limit: contextLength - 1)
    let isCut = ids.count > contextLength
    if isCut {
      ids.removeLast(ids.count - contextLength)
      if variant == .reference { ids[contextLength - 1] = vocabulary.endID }
    }
    let filler = [Int32](repeating: paddingID, count: contextLength - ids.count)
    return Encoding(ids: ids + filler, count: ids.count, isCut: isCut)
  }

  /// All ids, start and end token included, neither cut nor padded.
  ///
  /// - Parameter limit: words after this many ids of the text may be left out.
  package func ids(of text: String, limit: Int = .max) -> [Int32] {
    var ids = [vocabulary.startID]
    for part in parts(of: Array(text.unicodeScalars)) {
      append(part, to: &ids, limit: limit)
      if ids.count - 1 >= limit { break }
    }
    return ids + [vocabulary.endID]
  }

  private var paddingID: Int32 { padding == .endToken ? vocabulary.endID : vocabulary.paddingID }

  private enum Part {
    case padding
    case words([Unicode.Scalar])
  }

  /// Hugging Face takes special tokens out of the raw text and cleans what lies between them; of these only "!", where
  /// it pads, doesn't survive cleaning as the same token.
  private func parts(of text: [Unicode.Scalar]) -> [Part] {
    guard variant != .reference else { return [.words(TextCleaning.reference(text))] }
    var parts: [Part] = []
    let pieces = padding == .exclamationMark ? text.split(separator: "!", omittingEmptySubsequences: false) : [text[...]]
    for (index, piece) in pieces.enumerated() {
      if index > 0 { parts.append(.padding) }
      parts.append(.words(variant == .huggingFace ? TextCleaning.basic(Array(piece)) : TextCleaning.repaired(Array(piece))))
    }
    return parts
  }

  private func append(_ part: Part, to ids: inout [Int32], limit: Int) {
    guard case .words(let text) = part else { return ids.append(paddingID) }
    for word in WordScanner(text) {
      switch word {
      case .start: ids.append(vocabulary.startID)
      case .end: ids.append(vocabulary.endID)
      case .text(let scalars): ids += vocabulary.tokens(of: scalars)
      }
      if ids.count - 1 >= limit { return }
    }
  }
}
