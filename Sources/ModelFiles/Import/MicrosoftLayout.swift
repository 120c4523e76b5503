import Checkpoint

/// Which tensor of a Microsoft checkpoint is what.
struct MicrosoftLayout: Sendable {
  private(set) var denoiser: [RenamedTensors.Entry] = []
  private(set) var textEncoder: [RenamedTensors.Entry] = []
  /// Nil where the checkpoint holds no autoencoder.
  private(set) var codec: MicrosoftCodec?
  /// The learned vectors that stand for "no text".
  private(set) var emptyText: String?
  private(set) var ignored: [IgnoredTensor] = []

  /// Buffers that follow from the schedule, and the loss's history.
  private static let buffers: Set<String> = [
    "log_at", "log_bt", "log_ct", "log_cumprod_at", "log_cumprod_bt", "log_cumprod_ct", "log_1_min_ct",
    "log_1_min_cumprod_ct", "Lt_history", "Lt_count", "zero_vector",
  ]

  /// - Throws: `CheckpointError.unexpectedTensors` for tensors of no known purpose, `.missingTensor` without a denoiser; as
  ///   `MicrosoftCodec.init`.
  init(_ file: any TensorSource, prefersAverages: Bool) throws {
    let root = file.names.contains { $0.hasPrefix("model.") } ? "model." : ""
    var unknown: [String] = []
    var codec: [(name: String, original: String)] = []
    // Names within the diffusion model, in the file's order, and under which names the file has them.
    var order: [String] = []
    var lastStep: [String: String] = [:]
    var average: [String: String] = [:]
    for name in file.names {
      if let own = name.suffix(after: "ema.") {
        if lastStep[own] == nil { order.append(own) }
        average[own] = name
      } else if let own = name.suffix(after: root + "transformer.") {
        if average[own] == nil { order.append(own) }
        lastStep[own] = name
      } else if let own = name.suffix(after: root + "content_codec.") {
        codec.append((own, name))
      } else if root.isEmpty || name.hasPrefix(root) {
        unknown.append(name)
      } else {
        ignore(file, name, "belongs to the training program")
      }
    }
    for own in order {
      let choices = prefersAverages ? [average[own], lastStep[own]] : [lastStep[own], average[own]]
      let names = choices.compactMap { $0 }
      if !take(own, as: names[0], file) { unknown.append(names[0]) }
      if names.count > 1 { ignore(file, names[1], prefersAverages ? "its average is used" : "the last step's is asked for") }
    }
    guard unknown.isEmpty else { throw CheckpointError.unexpectedTensors(file: file.file, names: unknown) }
    guard !denoiser.isEmpty else {
      throw CheckpointError.missingTensor(file: file.file, tensor: root + "transformer.transformer.…", shape: nil)
    }
    if !codec.isEmpty { self.codec = try MicrosoftCodec(file, codec) }
  }

  /// A tensor of the diffusion model, by its name there.
  private mutating func take(_ name: String, as original: String, _ file: any TensorSource) -> Bool {
    if let own = name.suffix(after: "transformer.") {
      denoiser.append(.init(name: own, original: original))
    } else if let own = name.suffix(after: "condition_emb.") {
      textEncoder.append(.init(name: own, original: original))
    } else if name == "empty_text_embed" {
      emptyText = original
    } else if Self.buffers.contains(name) {
      ignore(file, original, "follows from the schedule or the training")
    } else {
      return false
    }
    return true
  }

  private mutating func ignore(_ file: any TensorSource, _ name: String, _ reason: String) {
    ignored.append(IgnoredTensor(file: file.file, name: name, reason: reason))
  }
}
