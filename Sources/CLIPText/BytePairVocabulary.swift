/// The tokens of a byte-pair tokenizer and the order in which they are merged.
///
/// A word is spelled in 256 byte characters, the last of them marked `</w>`; then neighbours are merged, always the pair of
/// lowest rank, until no pair of neighbours has a rank (Sennrich et al. 2016, over bytes as in GPT-2).
struct BytePairVocabulary: Sendable {
  struct Merge: Sendable {
    /// Its place in the list of merges.
    let rank: Int32
    /// What the two become.
    let id: Int32
  }

  let count: Int
  let startID: Int32
  let endID: Int32
  let paddingID: Int32
  /// The ids of the 256 bytes within a word.
  private let byteIDs: [Int32]
  /// The ids of the 256 bytes at the end of a word.
  private let lastByteIDs: [Int32]
  private let merges: [Pair: Merge]

  private struct Pair: Hashable {
    let left: Int32
    let right: Int32
  }

  static let endOfWord = "</w>"

  /// How many merges CLIP's vocabulary of 49,408 has, after 512 byte characters and before two special tokens.
  static let mergeLimit = 49_408 - 512 - 2

  /// The vocabulary of `vocab.json`, merged in the order of `merges.txt`.
  ///
  /// - Throws: `CLIPTextError.badVocabulary`, `.badMerge`.
  init(vocabulary: VocabularyFile, merges: VocabularyFile) throws(CLIPTextError) {
    let tokens = try vocabulary.tokens()
    try self.init(
      tokens: tokens, merges: merges.merges(limit: Self.mergeLimit), mergesFile: merges.name, tokensFile: vocabulary.name)
  }

  /// The vocabulary that follows from `merges.txt`: byte characters, the same at the end of a word, what each merge makes,
  /// start, end.
  ///
  /// - Throws: `CLIPTextError.badMerge`.
  init(merges file: VocabularyFile) throws(CLIPTextError) {
    let merges = try file.merges(limit: Self.mergeLimit)
    let characters = Self.byteCharacters.sorted { $0.order < $1.order }.map { String($0.character) }
    var tokens: [String: Int32] = [:]
    for token in characters + characters.map({ $0 + Self.endOfWord }) { tokens[token] = Int32(tokens.count) }
    for merge in merges {
      for part in [merge.left, merge.right] where tokens[part] == nil {
        throw .badMerge(file: file.name, line: merge.line, expected: "tokens made before", found: "\"\(part)\"")
      }
      let token = merge.left + merge.right
      guard tokens[token] == nil else {
        throw .badMerge(file: file.name, line: merge.line, expected: "every token made once", found: "\"\(token)\" again")
      }
      tokens[token] = Int32(tokens.count)
    }
    for token in [CLIPTokenizer.startToken, CLIPTokenizer.endToken] { tokens[token] = Int32(tokens.count) }
    try self.init(tokens: tokens, merges: merges, mergesFile: file.name, tokensFile: file.name)
  }

  private init(
    tokens: [String: Int32], merges: [VocabularyFile.Merge], mergesFile: String, tokensFile: String
  ) throws(CLIPTextError) {
    func id(_ token: String, _ kind: String) throws(CLIPTextError) -> Int32 {
      if let id = tokens[token] { return id }
      throw .badVocabulary(file: tokensFile, expected: "\(kind) \"\(token)\"", found: "no such token")
    }
    count = tokens.count
    startID = try id(CLIPTokenizer.startToken, "the start token")
    endID = try id(CLIPTokenizer.endToken, "the end token")
    paddingID = try id(CLIPTokenizer.paddingToken, "the padding token")
    var (bytes, lastBytes): ([Int32], [Int32]) = ([], [])
    for byte in Self.byteCharacters {
      bytes.append(try id(String(byte.character), "the byte character"))
      lastBytes.append(try id(String(byte.character) + Self.endOfWord, "the byte character"))
    }
    (byteIDs, lastByteIDs) = (bytes, lastBytes)
    var table: [Pair: Merge] = [:]
    for (rank, merge) in merges.enumerated() {
      func id(_ token: String) throws(CLIPTextError) -> Int32 {
        if let id = tokens[token] { return id }
        throw .badMerge(file: mergesFile, line: merge.line, expected: "tokens of the vocabulary", found: "\"\(token)\"")
      }
      let pair = Pair(left: try id(merge.left), right: try id(merge.right))
      let merged = Merge(rank: Int32(rank), id: try id(merge.left + merge.right))
      guard table.updateValue(merged, forKey: pair) == nil else {
        throw .badMerge(
          file: mergesFile, line: merge.line, expected: "every merge once", found: "\"\(merge.left) \(merge.right)\" again")
      }
    }
    self.merges = table
  }

  /// What two neighbours become, nil if they stay apart.
  func merge(_ left: Int32, _ right: Int32) -> Merge? { merges[Pair(left: left, right: right)] }

  /// A word's bytes as ids, the last one marked.
  func spelling(_ word: some Collection<Unicode.Scalar>) -> [Int32] {
    var bytes: [UInt8] = []
    for scalar in word { bytes += scalar.utf8 }
    var ids = bytes.map { byteIDs[Int($0)] }
    if let last = bytes.last { ids[ids.count - 1] = lastByteIDs[Int(last)] }
    return ids
  }

  /// The character that stands for each byte, and its place in the vocabulary: printable ones for themselves, first; the other
  /// 68 as U+0100, U+0101 …, after them.
  private static let byteCharacters: [(character: Unicode.Scalar, order: Int)] = {
    let printable = Array(33...126) + Array(161...172) + Array(174...255)
    let others = (0...255).filter { !printable.contains($0) }
    var result = [(character: Unicode.Scalar, order: Int)](repeating: (" ", 0), count: 256)
    for (order, byte) in printable.enumerated() { result[byte] = (Unicode.Scalar(UInt8(byte)), order) }
    for (place, byte) in others.enumerated() {
      result[byte] = (Unicode.Scalar(UInt16(256 + place)) ?? " ", printable.count + place)
    }
    return result
  }()
}
