import Transformer

/// What the YAML file of a Microsoft checkpoint says of its model.
struct MicrosoftConfiguration {
  /// The file that the codec's map of codes is in, as the training program's folder had it; nil without a reduced codebook.
  let codebookMapPath: String?
  /// The autoencoder's checkpoint, as the training program's folder had it.
  let autoencoderPath: String?
  /// As stated; the published class model with a learned "no class" has one more in its checkpoint than in its YAML file.
  let classes: Int?
  let kind: DenoiserConfiguration.Kind
  private let diffusion: YAMLConfiguration
  private let network: YAMLConfiguration
  private let embedding: YAMLConfiguration

  /// - Throws: `PipelineError.invalidConfiguration` for a file that doesn't describe a VQ-Diffusion model.
  init(_ yaml: YAMLConfiguration) throws(PipelineError) {
    let model = try yaml.required("model.params")
    diffusion = try model.required("diffusion_config.params")
    network = try diffusion.required("transformer_config.params")
    embedding = try diffusion.required("content_emb_config.params")
    let codec = model["content_codec_config.params"]
    // The public program reads a table wherever the reduced codebook's size isn't 0.
    let reducedCodes = try codec?["quantize_number"]?.integer() ?? 0
    codebookMapPath = reducedCodes == 0 ? nil : try codec?.required("mapping_path").string()
    autoencoderPath = try codec?["ckpt_path"]?.string()
    kind = try Self.kind(network)
    classes = kind == .classConditional ? try network.required("class_number").integer() : nil
    let schedule = try diffusion["alpha_init_type"]
    guard try schedule?.string() ?? "alpha1" == "alpha1" else { throw (schedule ?? diffusion).mismatch("alpha1") }
  }

  private static func kind(_ network: YAMLConfiguration) throws(PipelineError) -> DenoiserConfiguration.Kind {
    let type = try network["attn_type"]
    switch try type?.string() ?? "selfcross" {
    case "selfcross": return .text
    case "selfcondition": return .classConditional
    case "self": return .unconditional
    default: throw (type ?? network).mismatch("selfcross, selfcondition or self")
    }
  }

  var timesteps: Int { get throws(PipelineError) { try diffusion.required("diffusion_step").integer() } }

  /// The denoiser's architecture; absent fields as the public classes default them.
  ///
  /// - Parameter classRows: rows of the class table in the checkpoint.
  func denoiser(classRows: Int?) throws(PipelineError) -> DenoiserConfiguration {
    let grid = try network["content_spatial_size"]?.integers() ?? [32, 32]
    let timestepNorm: DenoiserConfiguration.AdaptiveNormKind = try network["timestep_type"]?.option() ?? .layerNorm
    return DenoiserConfiguration(
      kind: kind,
      classRows: classRows,
      // The public program takes row 1000 for "no class", whatever its YAML file says.
      unconditionalClass: classRows.flatMap { $0 == 1001 || $0 == (classes ?? 0) + 1 ? $0 - 1 : nil },
      classNorm: kind == .classConditional ? try network["class_type"]?.option() ?? .layerNorm : nil,
      textLength: kind == .text ? try network.required("condition_seq_len").integer() : nil,
      textWidth: kind == .text ? try network.required("condition_dim").integer() : nil,
      timestepNorm: timestepNorm,
      layers: try network.required("n_layer").integer(),
      width: try network.required("n_embd").integer(),
      heads: try network.required("n_head").integer(),
      mlp: try network["mlp_type"]?.option() ?? .fullyConnected,
      mlpHiddenMultiplier: try network["mlp_hidden_times"]?.integer() ?? 4,
      activation: try network["block_activate"]?.option() ?? .gelu,
      grid: grid,
      positionTable: try embedding["spatial_size"]?.integers() ?? [32, 32],
      positionKind: try embedding["pos_emb_type"]?.option() ?? .embedding,
      codebookSize: try embedding.required("num_embed").integer(),
      timesteps: try timesteps)
  }
}
