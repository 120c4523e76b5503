import Checkpoint
import Tensor

/// The architecture of a CLIP text encoder, as Hugging Face's `text_encoder/config.json` states it.
///
/// A field that is absent has the value of CLIP ViT-B/32, as in Hugging Face's own reading; fields of other uses are ignored.
public struct CLIPTextConfiguration: Codable, Sendable, Equatable {
  public enum ActivationKind: String, Codable, Sendable, CaseIterable {
    /// x σ(1.702 x)
    case quickGELU = "quick_gelu"
    /// x Φ(x)
    case gelu
  }

  /// D
  public var width: Int
  /// Width of a block's second half.
  public var hiddenWidth: Int
  /// H
  public var heads: Int
  public var layers: Int
  /// L: ids of a text, padding included.
  public var contextLength: Int
  /// Rows of the token table.
  public var vocabularySize: Int
  public var layerNormEpsilon: Float
  public var activation: ActivationKind
  /// Whether each token's vector is divided by its length, as both public versions of VQ-Diffusion do. Not a field of Hugging
  /// Face's.
  public var normalizes: Bool

  /// Beyond it a small file could ask for position vectors and attention that no memory holds.
  static let longestContext = 1 << 13

  /// By default CLIP ViT-B/32's.
  public init(
    width: Int = 512, hiddenWidth: Int = 2048, heads: Int = 8, layers: Int = 12, contextLength: Int = 77,
    vocabularySize: Int = 49_408, layerNormEpsilon: Float = 1e-5, activation: ActivationKind = .quickGELU,
    normalizes: Bool = true
  ) {
    self.width = width
    self.hiddenWidth = hiddenWidth
    self.heads = heads
    self.layers = layers
    self.contextLength = contextLength
    self.vocabularySize = vocabularySize
    self.layerNormEpsilon = layerNormEpsilon
    self.activation = activation
    self.normalizes = normalizes
  }

  enum CodingKeys: String, CodingKey {
    case normalizes
    case width = "hidden_size"
    case hiddenWidth = "intermediate_size"
    case heads = "num_attention_heads"
    case layers = "num_hidden_layers"
    case contextLength = "max_position_embeddings"
    case vocabularySize = "vocab_size"
    case layerNormEpsilon = "layer_norm_eps"
    case activation = "hidden_act"
  }

  /// - Throws: `CLIPTextError.invalidConfiguration` for an activation that isn't known; `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let standard = CLIPTextConfiguration()
    func field<T: Decodable>(_ key: CodingKeys, _ standard: T) throws -> T {
      try fields.decodeIfPresent(T.self, forKey: key) ?? standard
    }
    let activation = try field(.activation, standard.activation.rawValue)
    guard let known = ActivationKind(rawValue: activation) else {
      throw CLIPTextError.invalidConfiguration(
        field: CodingKeys.activation.stringValue,
        expected: ActivationKind.allCases.map(\.rawValue).joined(separator: " or "), found: activation)
    }
    self.init(
      width: try field(.width, standard.width), hiddenWidth: try field(.hiddenWidth, standard.hiddenWidth),
      heads: try field(.heads, standard.heads), layers: try field(.layers, standard.layers),
      contextLength: try field(.contextLength, standard.contextLength),
      vocabularySize: try field(.vocabularySize, standard.vocabularySize),
      layerNormEpsilon: try field(.layerNormEpsilon, standard.layerNormEpsilon),
      activation: known, normalizes: try field(.normalizes, standard.normalizes))
  }

  /// The configuration that follows from the shapes of a checkpoint with OpenAI's names, whose heads are 64 wide.
  ///
  /// - Throws: `CheckpointError.missingTensor`; `CLIPTextError.invalidConfiguration` where a tensor hasn't two dimensions or
  ///   they don't fit together.
  package init(openAI weights: WeightLoader) throws {
    func shape(_ name: String) throws -> (rows: Int, columns: Int) {
      guard let shape = weights.shape(of: name) else {
        throw CheckpointError.missingTensor(file: weights.files, tensor: name, shape: nil)
      }
      guard shape.count == 2 else {
        throw CLIPTextError.invalidConfiguration(field: name, expected: "[rows, columns]", found: "\(shape)")
      }
      return (shape[0], shape[1])
    }
    let table = try shape("token_embedding.weight")
    let layers = Set(
      weights.scope("transformer.resblocks").names.compactMap { $0.split(separator: ".").first }
    ).count
    self.init(
      width: table.columns, hiddenWidth: try shape("transformer.resblocks.0.mlp.c_fc.weight").rows, heads: table.columns / 64,
      layers: layers, contextLength: try shape("positional_embedding").rows, vocabularySize: table.rows)
    try validate()
  }

  /// Checks that the numbers fit together.
  ///
  /// - Throws: `CLIPTextError.invalidConfiguration`.
  public func validate() throws(CLIPTextError) {
    func require(_ isTrue: Bool, _ field: CodingKeys, _ expected: String, _ found: Any) throws(CLIPTextError) {
      if !isTrue { throw .invalidConfiguration(field: field.stringValue, expected: expected, found: "\(found)") }
    }
    let large = 1 << 20
    try require((1...large).contains(heads), .heads, "1...\(large)", heads)
    try require((1...large).contains(width) && width.isMultiple(of: heads), .width, "a multiple of heads (\(heads))", width)
    try require((1...large).contains(hiddenWidth), .hiddenWidth, "1...\(large)", hiddenWidth)
    try require((1...4096).contains(layers), .layers, "1...4096", layers)
    try require(
      (2...Self.longestContext).contains(contextLength), .contextLength, "2...\(Self.longestContext)", contextLength)
    try require((1...1 << 24).contains(vocabularySize), .vocabularySize, "1...\(1 << 24)", vocabularySize)
    try require(
      layerNormEpsilon > 0 && layerNormEpsilon <= 1, .layerNormEpsilon, "more than 0 and at most 1", layerNormEpsilon)
  }
}
