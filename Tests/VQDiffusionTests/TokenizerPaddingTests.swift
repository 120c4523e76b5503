import CLIPText
import Foundation
import TestSupport
import Testing
import Transformer
import VQDiffusion

/// The token that fills up short texts: as a folder states it.
@Suite struct TokenizerPaddingTests {
  private static let tokenizer = RecordedPipeline.folder.appendingPathComponent("tokenizer")
  private static let (start, end): (Int32, Int32) = (1412, 1413)

  private func tokenizer(_ padding: CLIPTokenizer.Padding, _ variant: CLIPTokenizer.Variant) throws -> CLIPTokenizer {
    try CLIPTokenizer(
      vocabulary: Self.tokenizer.appendingPathComponent("vocab.json"),
      merges: Self.tokenizer.appendingPathComponent("merges.txt"), variant: variant, padding: padding, contextLength: 6)
  }

  /// "!" is a word, 256 at the end of one, unless it is what pads.
  @Test func exclamationMarksAreSpecialWhereTheyPad() throws {
    for variant in [CLIPTokenizer.Variant.huggingFace, .huggingFaceRepaired] {
      #expect(try tokenizer(.exclamationMark, variant).encode("!") == [Self.start, 0, Self.end, 0, 0, 0])
      #expect(try tokenizer(.endToken, variant).encode("!") == [Self.start, 256, Self.end, Self.end, Self.end, Self.end])
    }
    #expect(try tokenizer(.exclamationMark, .reference).encode("!") == [Self.start, 256, Self.end, 0, 0, 0])
    #expect(try tokenizer(.endToken, .reference).encode("") == [Self.start] + Array(repeating: Self.end, count: 5))
    #expect(try tokenizer(.endToken, .huggingFace).encoding(of: "! !").count == 4)
  }

  /// The first file goes before the second; where neither states a token, it is "!".
  @Test func theFolderSaysWhatPads() throws {
    try withTemporaryFolder { folder in
      let target = folder.appendingPathComponent("pipeline")
      try FileManager.default.copyItem(at: RecordedPipeline.folder, to: target)
      let files = ["special_tokens_map.json", "tokenizer_config.json"].map {
        target.appendingPathComponent("tokenizer/\($0)")
      }
      func vectors(_ first: Any?, _ second: Any?, in folder: URL? = nil) throws -> TextVectors {
        for (file, token) in zip(files, [first, second]) {
          try? FileManager.default.removeItem(at: file)
          if let token { try ModelFolders.write(token, to: file) }
        }
        return try #require(try VQDiffusionPipeline(contentsOf: target).texts).vectors(of: "two birds!")
      }
      let marks = try #require(try VQDiffusionPipeline(contentsOf: RecordedPipeline.folder).texts).vectors(of: "two birds!")
      let (mark, end) = (["pad_token": "!"], ["pad_token": ["content": "<|endoftext|>", "lstrip": false] as [String: Any]])
      let none = ["unk_token": "<|endoftext|>"]
      for (first, second) in [(mark, end), (nil, mark), (none, mark), (none, none), (nil, nil)] as [(Any?, Any?)] {
        #expect(try vectors(first, second) == marks, "\(first ?? "nothing"), \(second ?? "nothing")")
      }
      let ends = try vectors(end, mark)
      #expect(ends != marks)
      let converted = folder.appendingPathComponent("converted")
      try ModelConversion(ModelLocation(target)).write(to: converted)
      #expect(try #require(try VQDiffusionPipeline(contentsOf: converted).texts).vectors(of: "two birds!") == ends)
      #expect(try vectors(nil, ["pad_token": "<|endoftext|>"]) == ends)
      #expect(
        throws: ModelFileError.invalidConfiguration(
          file: files[1].path, field: "pad_token", expected: "! or <|endoftext|>", found: "[PAD]")
      ) { try vectors(nil, ["pad_token": "[PAD]"]) }
    }
  }

  /// All that a project folder's `tokenizer/config.json` states has a default.
  @Test func aProjectFolderNeedsNoTokenizerConfiguration() throws {
    try withTemporaryFolder { folder in
      try ModelConversion(ModelLocation(RecordedPipeline.folder)).write(to: folder.appendingPathComponent("model"))
      let file = folder.appendingPathComponent("model/tokenizer/config.json")
      func vectors() throws -> TextVectors {
        try #require(try VQDiffusionPipeline(contentsOf: folder.appendingPathComponent("model")).texts).vectors(of: "a bird!")
      }
      let converted = try vectors()
      try ModelFolders.write([String: String](), to: file)
      let stated = try vectors()
      try FileManager.default.removeItem(at: file)
      #expect(try vectors() == stated && stated != converted)
    }
  }
}
