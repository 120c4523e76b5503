import CLIPText

/// What `special_tokens_map.json` and `tokenizer_config.json` of a Hugging Face tokenizer say of padding.
struct SpecialTokens: Decodable {
  /// Nil where the file doesn't say.
  var padding: String?

  private struct Token: Decodable {
    var content: String
  }

  enum CodingKeys: String, CodingKey { case padding = "pad_token" }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    // A text, or an object with the text in it.
    if let text = try? fields.decodeIfPresent(String.self, forKey: .padding) {
      padding = text
    } else {
      padding = try fields.decodeIfPresent(Token.self, forKey: .padding)?.content
    }
  }

  /// What texts are padded with: as in the public library the first file goes before the second. Where neither says it, "!", which
  /// all VQ-Diffusion models were trained with.
  ///
  /// - Throws: `ModelFileError.invalidConfiguration` for another token than those that CLIP models are padded with.
  static func padding(in folder: ConfigurationFolder) throws(ModelFileError) -> CLIPTokenizer.Padding {
    for file in ["tokenizer/special_tokens_map.json", "tokenizer/tokenizer_config.json"] where folder.has(file) {
      guard let token = (try folder.decode(file) as SpecialTokens).padding else { continue }
      guard let padding = CLIPTokenizer.Padding(rawValue: token) else {
        throw .invalidConfiguration(
          file: folder.path(file), field: CodingKeys.padding.stringValue,
          expected: CLIPTokenizer.Padding.allCases.map(\.rawValue).joined(separator: " or "), found: token)
      }
      return padding
    }
    return .exclamationMark
  }
}
