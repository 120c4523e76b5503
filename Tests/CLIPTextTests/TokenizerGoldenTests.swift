import CLIPText
import Foundation
import TestSupport
import Testing

/// The ids of the public implementations, with OpenAI's whole vocabulary.
@Suite struct TokenizerGoldenTests {
  /// Uncompressed as users have it; the fixture is kept small.
  static let merges: Result<Data, any Error> = Result {
    let gzip = Process()
    let output = Pipe()
    gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    gzip.arguments = ["gzip", "-dc", fixtures.appendingPathComponent("tokenizer/merges.txt.gz").path]
    gzip.standardOutput = output
    try gzip.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    gzip.waitUntilExit()
    return data
  }

  static let texts: Result<[JSONValue], any Error> = Result { try json("texts").arrayValue ?? [] }

  private static func json(_ name: String) throws -> JSONValue {
    try JSONDecoder().decode(
      JSONValue.self, from: Data(contentsOf: fixtures.appendingPathComponent("tokenizer/\(name).json")))
  }

  private let params: JSONValue

  init() throws { params = try Self.json("config")["params"] }

  static func tokenizer(_ variant: CLIPTokenizer.Variant) throws -> CLIPTokenizer {
    try CLIPTokenizer(merges: merges.get(), variant: variant)
  }

  @Test func referenceIdsAreExact() throws {
    let tokenizer = try Self.tokenizer(.reference)
    #expect(try tokenizer.vocabularySize == params.int("vocabulary"))
    let (length, padding) = (try params.int("context_length"), Int32(try params.int("pad_id")))
    let texts = try Self.texts.get()
    #expect(!texts.isEmpty)
    for text in texts {
      let expected = try text.ints("ids_reference").map { Int32($0) }
      let string = try text.string("text")
      let encoding = tokenizer.encoding(of: string)
      #expect(Array(encoding.ids[..<encoding.count]) == expected, "\(string.debugDescription)")
      #expect(encoding.ids.count == length && encoding.ids[encoding.count...].allSatisfy { $0 == padding })
    }
  }

  @Test(arguments: [
    (CLIPTokenizer.Variant.huggingFace, "ids_huggingface_without_ftfy"),
    (.huggingFaceRepaired, "ids_huggingface_with_ftfy"),
  ]) func huggingFaceIdsAreExact(variant: CLIPTokenizer.Variant, key: String) throws {
    let tokenizer = try Self.tokenizer(variant)
    let (length, padding) = (try params.int("context_length"), Int32(try params.int("pad_id")))
    var differing = 0
    for text in try Self.texts.get() {
      let isOwn = !text[key].isNull
      differing += isOwn ? 1 : 0
      let expected = try text.ints(isOwn ? key : "ids_reference").map { Int32($0) }
      let string = try text.string("text")
      #expect(tokenizer.ids(of: string) == expected, "\(string.debugDescription)")
      let encoding = tokenizer.encoding(of: string)
      #expect(encoding.isCut == (expected.count > length))
      #expect(encoding.ids == (expected + Array(repeating: padding, count: length)).prefix(length).map { $0 })
    }
    #expect(differing > 0)
  }

  /// The vocabulary file and the merges of a model folder agree with what follows from the merges alone.
  @Test func modelFolderGivesTheRecordedIds() throws {
    let golden = try GoldenCase("hf")
    let folder = golden.folder.appendingPathComponent("pipeline/tokenizer")
    let (vocabulary, merges) = (folder.appendingPathComponent("vocab.json"), folder.appendingPathComponent("merges.txt"))
    let length = try golden.params["text"].int("length")
    let tokenizer = try CLIPTokenizer(vocabulary: vocabulary, merges: merges, contextLength: length)
    #expect(try tokenizer.vocabularySize == golden.params["text"].int("vocabulary"))
    let prompts = try golden.params.strings("prompts")
    #expect(try prompts.flatMap(tokenizer.encode) == golden.tokens("in.prompt_ids"))
    let alone = try CLIPTokenizer(merges: merges, variant: .huggingFace, contextLength: length)
    for text in try Self.texts.get().map({ try $0.string("text") }) {
      #expect(alone.ids(of: text) == tokenizer.ids(of: text))
    }
  }
}
