import CLIPText
import Files
import Foundation

/// The JSON and text files of a model folder.
enum ModelDocuments {
  /// Their paths in the folder and their contents, for a model of whatever layout.
  static func of(_ source: any ModelSource) throws -> [(path: String, data: Data)] {
    var documents = [
      ("model_index.json", try json(ModelFolder.Index(format: 1, name: source.name(), defaults: source.defaults()))),
      ("transformer/config.json", try json(NamedConfiguration(source.networkConfiguration()))),
      ("vqvae/config.json", try json(NamedConfiguration(source.tokenizerConfiguration()))),
      ("scheduler/config.json", try json(source.corruptionConfiguration())),
    ]
    let labels = try source.labels()
    if !labels.entries.isEmpty { documents.append(("labels.json", try json(labels))) }
    if let text = try source.textParts() {
      documents.append(("text_encoder/config.json", try json(TextEncoder(text))))
      documents.append(("tokenizer/config.json", try json(Tokenizer(variant: text.variant, padding: text.padding))))
      documents.append(("tokenizer/merges.txt", try contents(of: text.merges)))
      if let vocabulary = text.vocabulary { documents.append(("tokenizer/vocab.json", try contents(of: vocabulary))) }
    }
    return documents
  }

  /// `tokenizer/config.json`
  private struct Tokenizer: Encodable {
    let variant: CLIPTokenizer.Variant
    let padding: CLIPTokenizer.Padding
  }

  /// `text_encoder/config.json`: the architecture, and whose names the tensors have.
  private struct TextEncoder: Encodable {
    let text: TextParts

    init(_ text: TextParts) { self.text = text }

    func encode(to encoder: any Encoder) throws {
      try text.configuration.encode(to: encoder)
      var fields = encoder.container(keyedBy: ModelFolder.TextSettings.CodingKeys.self)
      try fields.encode(text.names, forKey: .tensorNames)
    }
  }

  static func json(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value) + Data("\n".utf8)
  }

  private static func contents(of file: URL) throws(ModelFileError) -> Data {
    do { return try SmallFile.contents(of: file, limit: 1 << 26, kind: "a vocabulary") } catch { throw ModelFileError(error) }
  }
}
