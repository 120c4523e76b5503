import Transformer

/// What the YAML file of a Microsoft checkpoint says of its model.
package struct MicrosoftConfiguration: Sendable {
  let file: String
  /// The file that the codec's map of codes is in, as the training program's folder had it; nil without a reduced codebook.
  let codebookMapPath: String?
  /// The autoencoder's checkpoint, as the training program's folder had it.
  let autoencoderPath: String?
  /// The network as stated; `classRows` may be one fewer than the checkpoint has.
  let denoiser: DenoiserConfiguration

  /// - Throws: `PipelineError.invalidConfiguration` for a file that doesn't describe a VQ-Diffusion model.
  package init(_ yaml: YAMLConfiguration) throws(PipelineError) {
    file = yaml.file
    let model = try yaml.required("model.params")
    let diffusion = try model.required("diffusion_config.params")
    let codec = model["content_codec_config.params"]
    // The public program reads a table wherever the reduced codebook's size isn't 0.
    let reducedCodes = try codec?["quantize_number"]?.integer() ?? 0
    codebookMapPath = reducedCodes == 0 ? nil : try codec?.required("mapping_path").string()
    autoencoderPath = try codec?["ckpt_path"]?.string()
    if let schedule = diffusion["alpha_init_type"], try schedule.string() != "alpha1" { throw schedule.mismatch("alpha1") }
    denoiser = try Self.denoiser(diffusion)
  }

  /// The denoiser's architecture; absent fields as the public classes default them.
  private static func denoiser(_ diffusion: YAMLConfiguration) throws(PipelineError) -> DenoiserConfiguration {
    let network = try diffusion.required("transformer_config.params")
    let embedding = try diffusion.required("content_emb_config.params")
    let kind = try kind(network)
    return DenoiserConfiguration(
      kind: kind,
      classRows: kind == .classConditional ? try network.required("class_number").integer() : nil,
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
      grid: try network["content_spatial_size"]?.integers() ?? [32, 32],
      positionTable: try embedding["spatial_size"]?.integers() ?? [32, 32],
      positionKind: try embedding["pos_emb_type"]?.option() ?? .embedding,
      codebookSize: try embedding.required("num_embed").integer(),
      timesteps: try diffusion.required("diffusion_step").integer())
  }

  private static func kind(_ network: YAMLConfiguration) throws(PipelineError) -> DenoiserConfiguration.Kind {
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
  /// - Throws: `PipelineError.mismatchedParts` unless they are as many as stated, or one more for a learned "no class".
  func denoiser(classRows rows: Int?, location: String) throws(PipelineError) -> DenoiserConfiguration {
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
