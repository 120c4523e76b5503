import Transformer

/// What the YAML file of a Microsoft checkpoint says of its model.
package struct MicrosoftConfiguration: Sendable {
  let file: String
  /// Whether the denoiser knows some of the autoencoder's codes only, so that there is a table between them.
  let hasReducedCodebook: Bool
  /// The file that the table is in, as the training program's folder had it; nil where none is named, or none is read.
  let codebookMapPath: String?
  /// The autoencoder's checkpoint, as the training program's folder had it.
  let autoencoderPath: String?
  /// The network as stated; `classRows` may be one fewer than the checkpoint has.
  package let denoiser: VQDiffusionConfiguration
  /// Whether texts' vectors are divided by their lengths.
  let normalizesTexts: Bool
  /// Whether the vectors for "no text" were learned; nil where the file doesn't say.
  let learnsEmptyText: Bool?

  /// - Throws: `ModelFileError.invalidConfiguration` for a file that doesn't describe a VQ-Diffusion model.
  package init(_ yaml: YAMLConfiguration) throws(ModelFileError) {
    file = yaml.file
    let model = try yaml.required("model.params")
    let diffusion = try model.required("diffusion_config.params")
    let codec = model["content_codec_config.params"]
    // The public program reads a table wherever the reduced codebook's size isn't 0.
    hasReducedCodebook = try codec?["quantize_number"]?.integer() ?? 0 != 0
    codebookMapPath = hasReducedCodebook ? try codec?["mapping_path"]?.filePath() : nil
    autoencoderPath = try codec?["ckpt_path"]?.filePath()
    if let schedule = diffusion["alpha_init_type"], try schedule.string() != "alpha1" { throw schedule.mismatch("alpha1") }
    denoiser = try Self.denoiser(diffusion)
    normalizesTexts = denoiser.kind == .text ? try Self.normalizesTexts(diffusion) : true
    // The public program samples by the model's field; the diffusion's is that of its training.
    learnsEmptyText = try (model["learnable_cf"] ?? diffusion["learnable_cf"])?.boolean()
  }

  /// What becomes of the text encoder's vectors, the public class of which can do more than models use.
  ///
  /// - Throws: `ModelFileError.invalidConfiguration` for anything but a vector for each token.
  private static func normalizesTexts(_ diffusion: YAMLConfiguration) throws(ModelFileError) -> Bool {
    guard let embedding = diffusion["condition_emb_config.params"] else { return true }
    for name in ["pick_last_embedding", "additional_last_embedding"] {
      if let field = embedding[name], try field.boolean() { throw field.mismatch("False") }
    }
    if let width = embedding["embed_dim"], try width.integer() == 1024 {
      throw width.mismatch("another width than 1024, which stands for every vector twice over")
    }
    return try embedding["normalize"]?.boolean() ?? true
  }

  /// Rows and columns: as stated, or those of the square of as many tokens as are stated.
  private static func grid(_ network: YAMLConfiguration) throws(ModelFileError) -> [Int] {
    let length = network["content_seq_len"]
    guard let size = try network["content_spatial_size"]?.integers() else {
      guard let length else { return [32, 32] }
      let count = try length.integer()
      let side = Int(Double(max(count, 0)).squareRoot())
      // Sides beyond it are refused anyway.
      guard (1...4096).contains(side), side * side == count else {
        throw length.mismatch("a square number, without a spatial size")
      }
      return [side, side]
    }
    if let length, size.count == 2, size.allSatisfy({ (1...4096).contains($0) }), try length.integer() != size[0] * size[1] {
      throw length.mismatch("\(size[0] * size[1]), as content_spatial_size has")
    }
    return size
  }

  /// The denoiser's architecture; absent fields as the public classes default them.
  private static func denoiser(_ diffusion: YAMLConfiguration) throws(ModelFileError) -> VQDiffusionConfiguration {
    let network = try diffusion.required("transformer_config.params")
    let embedding = try diffusion.required("content_emb_config.params")
    let kind = try kind(network)
    return VQDiffusionConfiguration(
      kind: kind,
      classRows: kind == .classConditional ? try network["class_number"]?.integer() ?? 1000 : nil,
      classNorm: kind == .classConditional ? try network["class_type"]?.option() ?? .layerNorm : nil,
      textLength: kind == .text ? try network.required("condition_seq_len").integer() : nil,
      textWidth: kind == .text ? try network.required("condition_dim").integer() : nil,
      timestepNorm: try network["timestep_type"]?.option() ?? .layerNorm,
      layers: try network.required("n_layer").integer(),
      width: try network.required("n_embd").integer(),
      heads: try network.required("n_head").integer(),
      mlp: try network["mlp_type"]?.option() ?? .fullyConnected,
      mlpHiddenMultiplier: try network["mlp_hidden_times"]?.integer() ?? 4,
      activation: try network["block_activate"]?.option() ?? .gelu,
      grid: try grid(network),
      positionTable: try embedding["spatial_size"]?.integers() ?? [32, 32],
      positionKind: try embedding["pos_emb_type"]?.option() ?? .embedding,
      codebookSize: try embedding.required("num_embed").integer(),
      timesteps: try diffusion.required("diffusion_step").integer())
  }

  private static func kind(_ network: YAMLConfiguration) throws(ModelFileError) -> VQDiffusionConfiguration.Kind {
    let type = try network.required("attn_type")
    switch try type.string() {
    case "selfcross": return .text
    case "selfcondition": return .classConditional
    case "self": return .unconditional
    default: throw type.mismatch("selfcross, selfcondition or self")
    }
  }

  /// The denoiser with the rows that its class table has.
  ///
  /// - Throws: `ModelFileError.mismatchedParts` unless they are as many as stated, or one more for a learned "no class".
  func denoiser(classRows rows: Int?, location: String) throws(ModelFileError) -> VQDiffusionConfiguration {
    guard let stated = denoiser.classRows, let rows else { return denoiser }
    // The other way round a number of the file's could overflow.
    let hasOneMore = rows - 1 == stated
    guard rows == stated || hasOneMore else {
      throw .mismatchedParts(
        folder: location, expected: "\(stated) class rows, as \(file) states, or one more", found: "\(rows)")
    }
    var configuration = denoiser
    configuration.classRows = rows
    // The public program takes row 1000 for "no class", whatever its YAML file says.
    configuration.unconditionalClass = hasOneMore || rows == 1001 ? rows - 1 : nil
    return configuration
  }
}
