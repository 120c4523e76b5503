import Files
import Foundation

/// A file of the tokenizer, read and named for messages.
struct VocabularyFile {
  let name: String
  let data: Data

  /// Tens of times the size of CLIP's.
  static let largest = 1 << 26

  init(name: String, data: Data) {
    self.name = name
    self.data = data
  }

  /// - Throws: `CLIPTextError.unreadable`.
  init(_ url: URL) throws(CLIPTextError) {
    name = url.path
    do {
      let file = try MappedFile(url)
      guard file.bytes.count <= Self.largest else {
        throw CLIPTextError.unreadable(file: name, reason: "\(file.bytes.count) bytes, more than \(Self.largest)")
      }
      data = Self.data(in: file)
    } catch let error as FileError {
      throw .unreadable(file: url.path, reason: error.reason)
    } catch let error as CLIPTextError {
      throw error
    } catch {
      throw .unreadable(file: url.path, reason: "\(error)")
    }
  }

  /// A file's bytes in place, kept mapped for as long as they are used.
  private static func data(in file: MappedFile) -> Data {
    guard let start = file.bytes.baseAddress else { return Data() }
    return Data(
      bytesNoCopy: UnsafeMutableRawPointer(mutating: start), count: file.bytes.count,
      deallocator: .custom { _, _ in withExtendedLifetime(file) {} })
  }

  /// `vocab.json`: an object of tokens and their ids, which are 0, 1, 2 … in any order.
  ///
  /// - Throws: `CLIPTextError.badVocabulary`.
  func tokens() throws(CLIPTextError) -> [String: Int32] {
    let tokens: [String: Int]
    do {
      tokens = try JSONDecoder().decode([String: Int].self, from: data)
    } catch {
      throw bad("a JSON object of tokens and their integer ids", Self.summary(of: error))
    }
    var owners = [String?](repeating: nil, count: tokens.count)
    for (token, id) in tokens {
      guard id >= 0 else { throw bad("ids from 0", "\(id) for \"\(token)\"") }
      guard id < tokens.count else { throw bad("\(tokens.count) tokens to have the ids below that", "\(id) for \"\(token)\"") }
      if let other = owners[id] {
        throw bad("every id once", "\(id) for " + [other, token].sorted().map { "\"\($0)\"" }.joined(separator: " and "))
      }
      owners[id] = token
    }
    // In bounds: there are no more tokens than a file of `largest` bytes has.
    return tokens.mapValues { Int32($0) }
  }

  private static func summary(of error: any Error) -> String {
    switch error {
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.keyNotFound(_, let context), DecodingError.dataCorrupted(let context):
      (context.codingPath.map(\.stringValue) + [context.debugDescription]).joined(separator: ": ")
    default: error.localizedDescription
    }
  }

  private func bad(_ expected: String, _ found: String) -> CLIPTextError {
    .badVocabulary(file: name, expected: expected, found: found)
  }

  /// A line of `merges.txt`: two tokens that become one.
  struct Merge {
    let left: String
    let right: String
    /// Counted from 1.
    let line: Int
  }

  /// `merges.txt`: a line with the version, then two tokens a line, the most urgent merge first; what is beyond `limit` merges
  /// isn't read, since OpenAI's file goes on beyond the vocabulary.
  ///
  /// - Throws: `CLIPTextError.badMerge`.
  func merges(limit: Int) throws(CLIPTextError) -> [Merge] {
    guard let last = data.lastIndex(where: { !"\n\r ".utf8.contains($0) }) else {
      throw .badMerge(file: name, line: 1, expected: "\"#version: …\"", found: "an empty file")
    }
    // No further: a file may have more lines than there is memory for their slices.
    let lines = data[...last].split(separator: UInt8(ascii: "\n"), maxSplits: limit + 1, omittingEmptySubsequences: false)
    var merges: [Merge] = []
    for (index, bytes) in lines.prefix(limit + 1).enumerated() {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw .badMerge(file: name, line: index + 1, expected: "UTF-8", found: "other bytes")
      }
      if index == 0 {
        guard text.contains("#version") else {
          throw .badMerge(file: name, line: 1, expected: "\"#version: …\"", found: "\"\(text.prefix(80))\"")
        }
        continue
      }
      let parts = text.unicodeScalars.split { $0 == " " || $0 == "\r" }.map { String($0) }
      guard parts.count == 2 else {
        throw .badMerge(
          file: name, line: index + 1, expected: "two tokens with a space between", found: "\"\(text.prefix(80))\"")
      }
      merges.append(Merge(left: parts[0], right: parts[1], line: index + 1))
    }
    return merges
  }
}
